"""A tiny engine of the lab: each command is one word and its argument, done in Python."""

from __future__ import annotations

from collections.abc import Mapping

from wincnode.lab.process import FunctionProcess

WITHOUT_STDIN = ("say", "err", "sleep", "exit", "count", "bulk", "env")


class EchoEngine:
    """Knows say TEXT, err TEXT, sleep SECONDS, exit CODE, count N, bulk BYTES, env NAME and cat.

    Any other word counts its stdin, then writes what it read.
    """

    def start(self, command: str, environment: Mapping[str, str]) -> FunctionProcess:
        word, _, argument = command.replace('"', "").partition(" ")

        def work(process: FunctionProcess, stdin: bytes) -> int:
            match word:
                case "say":
                    process.put(f"{argument}\r\n".encode())
                case "err":
                    process.complain(argument.encode())
                case "env":
                    process.put(environment.get(argument, "").encode())
                case "bulk":
                    process.put(b"x" * int(argument))
                case "sleep":
                    process.pause(float(argument))
                case "count":
                    for number in range(int(argument)):
                        process.put(f"{number}\n".encode())
                        process.pause(0.05)
                case "exit":
                    return int(argument)
                case "cat":
                    process.put(stdin)
                case _:
                    process.put(b"%d\r\n" % len(stdin))
                    process.put(stdin)
            return 0

        return FunctionProcess(work, needs_stdin=word not in WITHOUT_STDIN)

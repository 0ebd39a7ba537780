/* Processes within compute systems: a few commands of cmd, and some that are here for tests.
 *
 *   cmd /c ver, cmd /c echo TEXT, cmd /c exit N
 *   double flood OUT ERR    writes so many bytes to each stream before it ends
 *   double wait             ends when it is terminated
 */
#include "double.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_PROCESSES = 64, KILLED = 1067 };
struct process { bool used, exited, waits, given; uint32_t pid, system; int code, handles; handle out, err; };
struct opened { bool used; uint32_t generation; int process; };
static struct process processes[MOST_PROCESSES];
static struct opened opened[MOST_PROCESSES];
static uint32_t counter;

static handle encoded(uint32_t generation, int index) { return (handle)(uintptr_t)((uint64_t)0x9C << 48 | (uint64_t)generation << 16 | (uint64_t)(index + 1)); }

static handle handle_to(int process) {
    for (int n = 0; n < MOST_PROCESSES; n++) {
        if (opened[n].used) continue;
        opened[n] = (struct opened){.used = true, .generation = ++counter, .process = process};
        processes[process].handles++;
        return encoded(opened[n].generation, n);
    }
    return NULL;
}

struct process *held_process(handle of, const char *export, hresult *why) {
    for (int n = 0; n < MOST_PROCESSES; n++)
        if (opened[n].used && encoded(opened[n].generation, n) == of) return &processes[opened[n].process];
    violation("%s: no open process %p", export, of);
    *why = E_HANDLE_;
    return NULL;
}

bool process_close(handle of) {
    for (int n = 0; n < MOST_PROCESSES; n++) {
        if (!opened[n].used || encoded(opened[n].generation, n) != of) continue;
        opened[n].used = false;
        struct process *process = &processes[opened[n].process];
        if (--process->handles == 0) {
            if (!process->given) { stream_cut(process->out); stream_cut(process->err); }
            process->used = false;
        }
        return true;
    }
    return false;
}

int processes_open(void) {
    int count = 0;
    for (int n = 0; n < MOST_PROCESSES; n++) count += opened[n].used;
    return count;
}

static char *filled(long bytes, char with) {
    char *text = malloc((size_t)bytes + 1);
    memset(text, with, (size_t)bytes);
    text[bytes] = 0;
    return text;
}

struct process *process_new(struct machine *machine, struct system *system, const struct json *parameters, handle *of) {
    const char *line = json_text(parameters, "CommandLine");
    long out_bytes = 0, err_bytes = 0;
    char *out = NULL, *err = format("%s", "");
    struct process made = {.used = true, .system = system->generation};
    const char *command = strstr(line, "/c ");
    if (!strncmp(line, "cmd", 3) && command && !strcmp(command + 3, "ver"))
        out = format("\r\nMicrosoft Windows [Version 10.0.%d.1]\r\n", system->build ? system->build : control().build);
    else if (!strncmp(line, "cmd", 3) && command && sscanf(command + 3, "exit %d", &made.code) == 1) out = format("%s", "");
    else if (!strncmp(line, "cmd", 3) && command && !strncmp(command + 3, "echo ", 5)) out = format("%s\r\n", command + 8);
    else if (!strcmp(line, "double wait")) { out = format("waiting"); made.waits = true; }
    else if (sscanf(line, "double flood %ld %ld", &out_bytes, &err_bytes) == 2) {
        free(err);
        out = filled(out_bytes, 'o');
        err = filled(err_bytes, 'e');
    }
    int index = 0;
    while (index < MOST_PROCESSES && processes[index].used) index++;
    if (!out || index == MOST_PROCESSES) { free(out); free(err); return NULL; }
    made.pid = ++machine->next_pid;
    if (json_number(parameters, "CreateStdOutPipe")) made.out = stream_new(out, strlen(out), made.waits);
    else free(out);
    if (json_number(parameters, "CreateStdErrPipe") && !json_number(parameters, "EmulateConsole")) made.err = stream_new(err, strlen(err), made.waits);
    else free(err);
    processes[index] = made;
    *of = handle_to(index);
    return &processes[index];
}

handle process_open(struct system *system, uint32_t pid) {
    for (int n = 0; n < MOST_PROCESSES; n++)
        if (processes[n].used && processes[n].pid == pid && processes[n].system == system->generation) return handle_to(n);
    return NULL;
}

uint32_t process_id(struct process *process) { return process->pid; }

/* The streams belong to who got them first: HCS_E_PROCESS_INFO_NOT_AVAILABLE is for the second. */
void process_streams(struct process *process, process_information *information) {
    *information = (process_information){.process_id = process->pid};
    if (process->given) return;
    information->out = process->out;
    information->err = process->err;
    process->given = true;
}

static void end(struct process *process, int code) {
    if (process->exited) return;
    process->exited = true;
    process->code = code;
    stream_cut_writer(process->out);
    stream_cut_writer(process->err);
}

void process_kill(struct process *process) { end(process, KILLED); } /* E11 */

/* A process whose pipes are full does not end before somebody reads them (E12). */
char *process_status(struct process *process, bool *exited) {
    if (!process->exited && !process->waits && stream_drained(process->out) && stream_drained(process->err)) end(process, process->code);
    *exited = process->exited;
    if (!process->exited) return format("{\"ProcessId\":%u,\"Exited\":false}", process->pid);
    return format("{\"ProcessId\":%u,\"Exited\":true,\"ExitCode\":%u,\"LastWaitResult\":0}", process->pid, (uint32_t)process->code);
}

void processes_end(const struct system *system) {
    for (int n = 0; n < MOST_PROCESSES; n++)
        if (processes[n].used && processes[n].system == system->generation) end(&processes[n], KILLED);
}

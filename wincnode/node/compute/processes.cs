// Processes in compute systems: started, waited for while they are read, ended.
namespace Wincnode
{
    public abstract partial class Platform : Calls
    {
        // Server 2022 may say E_INVALIDARG of a process that is there: microsoft/hcsshim:internal/hcs/v2.
        public static Answer CreateProcess(IntPtr system, string parameters, uint ms)
        {
            IntPtr process = IntPtr.Zero;
            Answer answer = RequestProcess("HcsCreateProcess", ms, delegate(IntPtr operation) { return Core.HcsCreateProcess(system, parameters, operation, IntPtr.Zero, out process); });
            if (answer.Code == Invalid && process != IntPtr.Zero)
            {
                answer = RequestProcess("HcsGetProcessInfo", ms, delegate(IntPtr operation) { return Core.HcsGetProcessInfo(process, operation); });
            }
            answer.Handle = process;
            if (unchecked((int)answer.Code) < 0 && process != IntPtr.Zero) { CloseProcess(process, answer.StdOutput, answer.StdError); }
            return answer;
        }

        private static bool IsOpen(IntPtr stream) { return stream != IntPtr.Zero && stream != InvalidHandle; }

        public static void CloseProcess(IntPtr process, IntPtr output, IntPtr error)
        {
            if (IsOpen(output)) { Kernel.CloseHandle(output); }
            if (IsOpen(error)) { Kernel.CloseHandle(error); }
            Core.HcsCloseProcess(process);
        }

        // Wait for its end, and read what it writes meanwhile, as it may wait for that. Closes the streams.
        public static Answer Finished(IntPtr process, IntPtr output, IntPtr error, int limit, uint ms)
        {
            Stopwatch watch = Stopwatch.StartNew();
            PipeReader[] readers = new PipeReader[] { IsOpen(output) ? new PipeReader(output, limit) : null, IsOpen(error) ? new PipeReader(error, limit) : null };
            Answer answer = null;
            long drained = 0;
            try
            {
                while (true)
                {
                    bool came = false, all = true;
                    foreach (PipeReader reader in readers)
                    {
                        if (reader == null) { continue; }
                        came = reader.Poll(1) || came;
                        all = all && reader.Ended;
                    }
                    if (answer != null && (all || watch.ElapsedMilliseconds > drained)) { break; }
                    if (answer == null && !came)
                    {
                        answer = ExitStatus(process);
                        drained = watch.ElapsedMilliseconds + DrainMs;
                        if (answer != null && unchecked((int)answer.Code) < 0) { break; }
                    }
                    if (answer == null && watch.ElapsedMilliseconds > ms)
                    {
                        answer = new Answer();
                        answer.Export = "HcsWaitForProcessExit";
                        answer.Code = TimedOut;
                        break;
                    }
                }
            }
            finally { foreach (PipeReader reader in readers) { if (reader != null) { reader.Close(); } } }
            if (readers[0] != null) { answer.Out = readers[0].Text(); answer.Truncated = readers[0].Truncated; }
            if (readers[1] != null) { answer.Err = readers[1].Text(); answer.Truncated = answer.Truncated || readers[1].Truncated; }
            return answer;
        }

        // Nothing while it runs. ExitCode counts where Exited is true: Document is the ProcessStatus.
        private static Answer ExitStatus(IntPtr process)
        {
            Answer answer = Guarded("HcsWaitForProcessExit", delegate(Answer to)
            {
                IntPtr text;
                int code = Core.HcsWaitForProcessExit(process, SliceMs, out text);
                to.Document = Taken(text, true);
                return code;
            });
            if (answer.Code == OperationTimeout) { return null; }
            if (answer.Code == NoExport)
            {
                answer = Request("HcsGetProcessProperties", AskMs, delegate(IntPtr operation) { return Core.HcsGetProcessProperties(process, operation, null); });
                if (answer.Code == 0 && (answer.Document == null || answer.Document.Replace(" ", "").IndexOf("\"Exited\":true", StringComparison.Ordinal) < 0)) { return null; }
            }
            return answer;
        }

        public static Answer TerminateProcess(string id, uint pid, uint ms)
        {
            Answer opened = Open(id);
            if (unchecked((int)opened.Code) < 0) { return opened; }
            try
            {
                IntPtr process = IntPtr.Zero;
                Answer found = Guarded("HcsOpenProcess", delegate(Answer answer) { return Core.HcsOpenProcess(opened.Handle, pid, AllAccess, out process); });
                if (unchecked((int)found.Code) < 0) { return found; }
                try { return Request("HcsTerminateProcess", ms, delegate(IntPtr operation) { return Core.HcsTerminateProcess(process, operation, null); }); }
                finally { Core.HcsCloseProcess(process); }
            }
            finally { CloseSystem(opened.Handle); }
        }
    }
}

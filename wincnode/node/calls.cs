// What the files that call Windows share: an answer, limits of time, and what frees a text.
// Each is compiled together with this one, whose directives hold for both. C# 5, .NET Framework 4.7.2.
using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;
using System.Threading;

[assembly: DefaultDllImportSearchPaths(DllImportSearchPath.System32)]

namespace Wincnode
{
    internal static class Memory
    {
        [DllImport("kernel32.dll", ExactSpelling = true, CharSet = CharSet.Unicode)]
        internal static extern IntPtr LocalFree(IntPtr memory);
        [DllImport("ole32.dll", ExactSpelling = true, CharSet = CharSet.Unicode)]
        internal static extern void CoTaskMemFree(IntPtr memory);
    }

    // What came of one call: an HRESULT, a document where there is one, and what the call gives.
    public sealed class Answer
    {
        public string Export;
        public uint Code;
        public string Document;
        public IntPtr Handle, StdOutput, StdError;
        public uint ProcessId, ExitCode;
        public string Out = "", Err = "", Text = "";
        public bool Truncated;

        // Say what came of a call that failed; Windows' own words are in its documents.
        public string Problem()
        {
            switch (Code)
            {
                case 0x8007007E: return Export + ": its DLL is missing.";
                case 0x8007007F: return Export + " is missing in this build of Windows.";
                case 0x800705B4: return Export + " took too long.";
                default: return Export + " gave 0x" + Code.ToString("x8") + ".";
            }
        }
    }

    // C# 5 has no `using static`, so that who calls Windows inherits this.
    public abstract class Calls
    {
        protected const uint NoModule = 0x8007007E, NoExport = 0x8007007F, TimedOut = 0x800705B4;
        private static Thread underWay;

        protected delegate int Work(Answer answer);

        // Say why this process cannot call Windows at all; nothing where it can.
        public static string Refusal()
        {
            if (!Environment.Is64BitProcess) { return "A 32-bit process cannot call the services of containers."; }
            try { Memory.LocalFree(IntPtr.Zero); }
            catch (DllNotFoundException problem) { return problem.Message; }
            return "";
        }

        protected static Answer Guarded(string export, Work work)
        {
            Answer answer = new Answer();
            answer.Export = export;
            try { answer.Code = unchecked((uint)work(answer)); }
            catch (DllNotFoundException) { answer.Code = NoModule; }
            catch (EntryPointNotFoundException) { answer.Code = NoExport; }
            return answer;
        }

        // Read what a DLL has given, and free it: as the DLL's documentation says.
        protected static string Taken(IntPtr text, bool local)
        {
            if (text == IntPtr.Zero) { return null; }
            string value = Marshal.PtrToStringUni(text);
            if (local) { Memory.LocalFree(text); } else { Memory.CoTaskMemFree(text); }
            return value;
        }

        protected static int Failed(uint code) { return unchecked((int)code); }

        // Do in a thread what returns when it is done; one that is given up goes on, and the next waits for it.
        protected static Answer Within(string export, uint ms, Work work)
        {
            Stopwatch watch = Stopwatch.StartNew();
            Answer late = new Answer();
            late.Export = export;
            late.Code = TimedOut;
            if (underWay != null && !underWay.Join((int)ms)) { return late; }
            Answer done = null;
            Thread thread = new Thread(delegate() { done = Guarded(export, work); });
            thread.IsBackground = true;
            thread.Start();
            underWay = thread;
            if (!thread.Join((int)Math.Max(0, ms - watch.ElapsedMilliseconds))) { return late; }
            underWay = null;
            return done;
        }
    }
}

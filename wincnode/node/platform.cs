// What PowerShell cannot call by itself: the Host Compute Service, each call thin; their order is
// compute_programs.ps1's. Here are the service and compute systems; compute/ has the rest, and all
// of it is compiled together with calls.cs.
namespace Wincnode
{
    public abstract partial class Platform : Calls
    {
        private const uint OutOfMemory = 0x8007000E, Invalid = 0x80070057, OperationTimeout = 0x80370118, Pending = 0xC0370103, Win32 = 0x80070000;
        private const uint NotReady = 0x80070015, NotConnected = 0x8007048F, AllAccess = 0x10000000;
        // Requests take so long at most while a process or a system is asked whether it has ended.
        private const uint SliceMs = 20, AskMs = 10000;
        private const int DrainMs = 1000, Attempts = 5, PauseMs = 100;
        private static readonly IntPtr InvalidHandle = new IntPtr(-1);
        private static readonly IntPtr NoHome = Marshal.StringToHGlobalUni("");
        // A delegate that native code calls must not be collected.
        private static readonly List<Notification> Rooted = new List<Notification>();

        private delegate int Begin(IntPtr operation);

        // An operation that is given up is cancelled, and closed after that: a thread that still
        // waited for it would read what is freed (microsoft/hcsshim:internal/computecore).
        private static Answer Request(string export, uint ms, Begin begin)
        {
            return Guarded(export, delegate(Answer answer)
            {
                IntPtr operation = Core.HcsCreateOperation(IntPtr.Zero, IntPtr.Zero), text;
                if (operation == IntPtr.Zero) { return Failed(OutOfMemory); }
                try
                {
                    int code = begin(operation);
                    if (code < 0) { return code; }
                    code = Core.HcsWaitForOperationResult(operation, ms, out text);
                    answer.Document = Taken(text, true);
                    if (unchecked((uint)code) == OperationTimeout) { Core.HcsCancelOperation(operation); }
                    return code;
                }
                finally { Core.HcsCloseOperation(operation); }
            });
        }

        private static Answer RequestProcess(string export, uint ms, Begin begin)
        {
            return Guarded(export, delegate(Answer answer)
            {
                IntPtr operation = Core.HcsCreateOperation(IntPtr.Zero, IntPtr.Zero), text;
                ProcessInformation information;
                if (operation == IntPtr.Zero) { return Failed(OutOfMemory); }
                try
                {
                    int code = begin(operation);
                    if (code < 0) { return code; }
                    code = Core.HcsWaitForOperationResultAndProcessInfo(operation, ms, out information, out text);
                    answer.Document = Taken(text, true);
                    if (unchecked((uint)code) == OperationTimeout) { Core.HcsCancelOperation(operation); }
                    answer.ProcessId = information.ProcessId;
                    answer.StdOutput = information.StdOutput;
                    answer.StdError = information.StdError;
                    return code;
                }
                finally { Core.HcsCloseOperation(operation); }
            });
        }

        public static Answer Service(string query, uint ms)
        {
            return Within("HcsGetServiceProperties", ms, delegate(Answer answer)
            {
                IntPtr text;
                int code = Core.HcsGetServiceProperties(query, out text);
                answer.Document = Taken(text, true);
                return code;
            });
        }

        public static Answer Systems(string query, uint ms)
        {
            return Request("HcsEnumerateComputeSystems", ms, delegate(IntPtr operation) { return Core.HcsEnumerateComputeSystems(query, operation); });
        }

        public static Answer Create(string id, string document, uint ms)
        {
            IntPtr system = IntPtr.Zero;
            Answer answer = Request("HcsCreateComputeSystem", ms, delegate(IntPtr operation) { return Core.HcsCreateComputeSystem(id, document, operation, IntPtr.Zero, out system); });
            answer.Handle = system;
            return answer;
        }

        // The system is ended by a notification that it is made; from then on computecore.dll is asked.
        public static Answer CreateV1(string id, string document, uint ms)
        {
            return Guarded("HcsCreateComputeSystem", delegate(Answer answer)
            {
                IntPtr system, text;
                int code = Vm.HcsCreateComputeSystem(id, document, IntPtr.Zero, out system, out text);
                answer.Document = Taken(text, false);
                if (code < 0 && unchecked((uint)code) != Pending) { return code; }
                try
                {
                    if (unchecked((uint)code) == Pending) { code = Completed(system, ms, answer); }
                    if (code < 0) { return code; }
                    // It may end with its last handle, so the new one comes first.
                    IntPtr opened;
                    answer.Export = "HcsOpenComputeSystem";
                    code = Core.HcsOpenComputeSystem(id, AllAccess, out opened);
                    answer.Handle = opened;
                    return code;
                }
                finally
                {
                    if (unchecked((uint)code) == TimedOut) { Terminate(id, AskMs); }
                    Vm.HcsCloseComputeSystem(system);
                }
            });
        }

        private static int Completed(IntPtr system, uint ms, Answer answer)
        {
            ManualResetEvent told = new ManualResetEvent(false);
            uint kind = 0;
            int status = 0;
            Notification called = delegate(uint type, IntPtr context, int code, IntPtr data)
            {
                // SystemExited, SystemCreateCompleted, ServiceDisconnect; the first one counts.
                if ((type != 1 && type != 2 && type != 0x01000000) || kind != 0) { return; }
                if (data != IntPtr.Zero) { answer.Document = Marshal.PtrToStringUni(data); }
                status = code;
                kind = type;
                told.Set();
            };
            IntPtr registration;
            Rooted.Add(called);
            int result = Vm.HcsRegisterComputeSystemCallback(system, called, IntPtr.Zero, out registration);
            if (result < 0) { answer.Export = "HcsRegisterComputeSystemCallback"; return result; }
            try { if (!told.WaitOne((int)ms)) { return Failed(TimedOut); } }
            finally
            {
                // It waits for a notification that is under way.
                Vm.HcsUnregisterComputeSystemCallback(registration);
                Rooted.Remove(called);
            }
            if (status < 0) { return status; }
            if (kind == 0x01000000) { return Failed(0x8037011E); }
            return kind == 1 ? Failed(0x80370106) : 0;
        }

        public static Answer Open(string id)
        {
            return Guarded("HcsOpenComputeSystem", delegate(Answer answer)
            {
                IntPtr system;
                int code = Core.HcsOpenComputeSystem(id, AllAccess, out system);
                answer.Handle = system;
                return code;
            });
        }

        public static void CloseSystem(IntPtr system) { Core.HcsCloseComputeSystem(system); }

        public static Answer Start(IntPtr system, uint ms)
        {
            return Request("HcsStartComputeSystem", ms, delegate(IntPtr operation) { return Core.HcsStartComputeSystem(system, operation, null); });
        }

        public static Answer ShutDown(IntPtr system, uint ms)
        {
            return Request("HcsShutDownComputeSystem", ms, delegate(IntPtr operation) { return Core.HcsShutDownComputeSystem(system, operation, null); });
        }

        // Requests of one handle wait for each other, so a handle of its own asks.
        public static Answer Terminate(string id, uint ms)
        {
            Answer opened = Open(id);
            if (unchecked((int)opened.Code) < 0) { return opened; }
            try { return Request("HcsTerminateComputeSystem", ms, delegate(IntPtr operation) { return Core.HcsTerminateComputeSystem(opened.Handle, operation, null); }); }
            finally { CloseSystem(opened.Handle); }
        }

        public static Answer Properties(IntPtr system, string query, uint ms)
        {
            return Request("HcsGetComputeSystemProperties", ms, delegate(IntPtr operation) { return Core.HcsGetComputeSystemProperties(system, operation, query); });
        }

        public static Answer Modify(IntPtr system, string request, uint ms)
        {
            return Request("HcsModifyComputeSystem", ms, delegate(IntPtr operation) { return Core.HcsModifyComputeSystem(system, operation, request, IntPtr.Zero); });
        }

        // Server 2019 has no such wait: 0x8007007F says that it is to be asked again and again.
        public static Answer Exited(IntPtr system, uint ms)
        {
            return Guarded("HcsWaitForComputeSystemExit", delegate(Answer answer)
            {
                IntPtr text;
                int code = Core.HcsWaitForComputeSystemExit(system, ms, out text);
                answer.Document = Taken(text, true);
                return code;
            });
        }

        public static Answer Grant(string vm, string path, uint ms)
        {
            return Within("HcsGrantVmAccess", ms, delegate(Answer answer) { return Core.HcsGrantVmAccess(vm, path); });
        }

        public static Answer Revoke(string vm, string path, uint ms)
        {
            return Within("HcsRevokeVmAccess", ms, delegate(Answer answer) { return Core.HcsRevokeVmAccess(vm, path); });
        }
    }
}

// What PowerShell cannot call by itself: the exports of the Host Compute Service and of layers,
// each thin; the order of calls is compute_programs.ps1's. Compiled together with calls.cs.
// Source: computecore.h of the Windows SDK 10.0.26100.0; microsoft/hcsshim:internal/vmcompute/vmcompute.go
// and internal/wclayer/wclayer.go@7c9ff7f4 for vmcompute.dll; offline-registry-library-functions for offreg.dll
namespace Wincnode
{
    [StructLayout(LayoutKind.Sequential)]
    internal struct ProcessInformation { public uint ProcessId, Reserved; public IntPtr StdInput, StdOutput, StdError; }

    [StructLayout(LayoutKind.Sequential)]
    internal struct DriverInfo { public int Flavour; public IntPtr Home; }

    [StructLayout(LayoutKind.Sequential)]
    internal struct Descriptor { public Guid Id; public uint Flags; public IntPtr Path; }

    [UnmanagedFunctionPointer(CallingConvention.StdCall)]
    internal delegate void Notification(uint notificationType, IntPtr context, int notificationStatus, IntPtr notificationData);

    internal static class Core
    {
        private const string Dll = "computecore.dll";
        [DllImport(Dll, ExactSpelling = true, CharSet = CharSet.Unicode)]
        internal static extern IntPtr HcsCreateOperation(IntPtr context, IntPtr callback);
        [DllImport(Dll, ExactSpelling = true, CharSet = CharSet.Unicode)]
        internal static extern void HcsCloseOperation(IntPtr operation);
        [DllImport(Dll, ExactSpelling = true, CharSet = CharSet.Unicode)]
        internal static extern int HcsCancelOperation(IntPtr operation);
        [DllImport(Dll, ExactSpelling = true, CharSet = CharSet.Unicode)]
        internal static extern int HcsWaitForOperationResult(IntPtr operation, uint timeoutMs, out IntPtr resultDocument);
        [DllImport(Dll, ExactSpelling = true, CharSet = CharSet.Unicode)]
        internal static extern int HcsWaitForOperationResultAndProcessInfo(IntPtr operation, uint timeoutMs, out ProcessInformation processInformation, out IntPtr resultDocument);
        [DllImport(Dll, ExactSpelling = true, CharSet = CharSet.Unicode)]
        internal static extern int HcsEnumerateComputeSystems(string query, IntPtr operation);
        [DllImport(Dll, ExactSpelling = true, CharSet = CharSet.Unicode)]
        internal static extern int HcsCreateComputeSystem(string id, string configuration, IntPtr operation, IntPtr securityDescriptor, out IntPtr computeSystem);
        [DllImport(Dll, ExactSpelling = true, CharSet = CharSet.Unicode)]
        internal static extern int HcsOpenComputeSystem(string id, uint requestedAccess, out IntPtr computeSystem);
        [DllImport(Dll, ExactSpelling = true, CharSet = CharSet.Unicode)]
        internal static extern void HcsCloseComputeSystem(IntPtr computeSystem);
        [DllImport(Dll, ExactSpelling = true, CharSet = CharSet.Unicode)]
        internal static extern int HcsStartComputeSystem(IntPtr computeSystem, IntPtr operation, string options);
        [DllImport(Dll, ExactSpelling = true, CharSet = CharSet.Unicode)]
        internal static extern int HcsShutDownComputeSystem(IntPtr computeSystem, IntPtr operation, string options);
        [DllImport(Dll, ExactSpelling = true, CharSet = CharSet.Unicode)]
        internal static extern int HcsTerminateComputeSystem(IntPtr computeSystem, IntPtr operation, string options);
        [DllImport(Dll, ExactSpelling = true, CharSet = CharSet.Unicode)]
        internal static extern int HcsGetComputeSystemProperties(IntPtr computeSystem, IntPtr operation, string propertyQuery);
        [DllImport(Dll, ExactSpelling = true, CharSet = CharSet.Unicode)]
        internal static extern int HcsModifyComputeSystem(IntPtr computeSystem, IntPtr operation, string configuration, IntPtr identity);
        [DllImport(Dll, ExactSpelling = true, CharSet = CharSet.Unicode)]
        internal static extern int HcsWaitForComputeSystemExit(IntPtr computeSystem, uint timeoutMs, out IntPtr result);
        [DllImport(Dll, ExactSpelling = true, CharSet = CharSet.Unicode)]
        internal static extern int HcsCreateProcess(IntPtr computeSystem, string processParameters, IntPtr operation, IntPtr securityDescriptor, out IntPtr process);
        [DllImport(Dll, ExactSpelling = true, CharSet = CharSet.Unicode)]
        internal static extern int HcsOpenProcess(IntPtr computeSystem, uint processId, uint requestedAccess, out IntPtr process);
        [DllImport(Dll, ExactSpelling = true, CharSet = CharSet.Unicode)]
        internal static extern void HcsCloseProcess(IntPtr process);
        [DllImport(Dll, ExactSpelling = true, CharSet = CharSet.Unicode)]
        internal static extern int HcsTerminateProcess(IntPtr process, IntPtr operation, string options);
        [DllImport(Dll, ExactSpelling = true, CharSet = CharSet.Unicode)]
        internal static extern int HcsGetProcessInfo(IntPtr process, IntPtr operation);
        [DllImport(Dll, ExactSpelling = true, CharSet = CharSet.Unicode)]
        internal static extern int HcsGetProcessProperties(IntPtr process, IntPtr operation, string propertyQuery);
        // The SDK's header calls the process so.
        [DllImport(Dll, ExactSpelling = true, CharSet = CharSet.Unicode)]
        internal static extern int HcsWaitForProcessExit(IntPtr computeSystem, uint timeoutMs, out IntPtr result);
        [DllImport(Dll, ExactSpelling = true, CharSet = CharSet.Unicode)]
        internal static extern int HcsGetServiceProperties(string propertyQuery, out IntPtr result);
        [DllImport(Dll, ExactSpelling = true, CharSet = CharSet.Unicode)]
        internal static extern int HcsGrantVmAccess(string vmId, string filePath);
        [DllImport(Dll, ExactSpelling = true, CharSet = CharSet.Unicode)]
        internal static extern int HcsRevokeVmAccess(string vmId, string filePath);
    }

    internal static class Vm
    {
        private const string Dll = "vmcompute.dll";
        [DllImport(Dll, ExactSpelling = true, CharSet = CharSet.Unicode)]
        internal static extern int HcsCreateComputeSystem(string id, string configuration, IntPtr identity, out IntPtr computeSystem, out IntPtr result);
        [DllImport(Dll, ExactSpelling = true, CharSet = CharSet.Unicode)]
        internal static extern int HcsCloseComputeSystem(IntPtr computeSystem);
        [DllImport(Dll, ExactSpelling = true, CharSet = CharSet.Unicode)]
        internal static extern int HcsRegisterComputeSystemCallback(IntPtr computeSystem, Notification callback, IntPtr context, out IntPtr callbackHandle);
        [DllImport(Dll, ExactSpelling = true, CharSet = CharSet.Unicode)]
        internal static extern int HcsUnregisterComputeSystemCallback(IntPtr callbackHandle);
        [DllImport(Dll, ExactSpelling = true, CharSet = CharSet.Unicode)]
        internal static extern int CreateSandboxLayer(ref DriverInfo info, string id, UIntPtr parent, Descriptor[] descriptors, uint count);
        [DllImport(Dll, ExactSpelling = true, CharSet = CharSet.Unicode)]
        internal static extern int ActivateLayer(ref DriverInfo info, string id);
        [DllImport(Dll, ExactSpelling = true, CharSet = CharSet.Unicode)]
        internal static extern int PrepareLayer(ref DriverInfo info, string id, Descriptor[] descriptors, uint count);
        [DllImport(Dll, ExactSpelling = true, CharSet = CharSet.Unicode)]
        internal static extern int GetLayerMountPath(ref DriverInfo info, string id, ref UIntPtr length, [Out] char[] buffer);
        [DllImport(Dll, ExactSpelling = true, CharSet = CharSet.Unicode)]
        internal static extern int UnprepareLayer(ref DriverInfo info, string id);
        [DllImport(Dll, ExactSpelling = true, CharSet = CharSet.Unicode)]
        internal static extern int DeactivateLayer(ref DriverInfo info, string id);
        [DllImport(Dll, ExactSpelling = true, CharSet = CharSet.Unicode)]
        internal static extern int DestroyLayer(ref DriverInfo info, string id);
        [DllImport(Dll, ExactSpelling = true, CharSet = CharSet.Unicode)]
        internal static extern int ProcessBaseImage(string path);
        [DllImport(Dll, ExactSpelling = true, CharSet = CharSet.Unicode)]
        internal static extern int NameToGuid(string name, out Guid guid);
    }

    internal static class Offline
    {
        private const string Dll = "offreg.dll";
        [DllImport(Dll, ExactSpelling = true, CharSet = CharSet.Unicode)]
        internal static extern uint ORCreateHive(out IntPtr horKey);
        [DllImport(Dll, ExactSpelling = true, CharSet = CharSet.Unicode)]
        internal static extern uint ORSaveHive(IntPtr horKey, string path, uint osMajorVersion, uint osMinorVersion);
        [DllImport(Dll, ExactSpelling = true, CharSet = CharSet.Unicode)]
        internal static extern uint ORCloseHive(IntPtr horKey);
    }

    internal static class Kernel
    {
        private const string Dll = "kernel32.dll";
        [DllImport(Dll, ExactSpelling = true, CharSet = CharSet.Unicode, SetLastError = true)]
        internal static extern IntPtr CreateFileW(string fileName, uint desiredAccess, uint shareMode, IntPtr securityAttributes, uint creationDisposition, uint flagsAndAttributes, IntPtr templateFile);
        [DllImport(Dll, ExactSpelling = true, CharSet = CharSet.Unicode, SetLastError = true)]
        internal static extern int ReadFile(IntPtr file, IntPtr buffer, uint bytesToRead, out uint bytesRead, IntPtr overlapped);
        [DllImport(Dll, ExactSpelling = true, CharSet = CharSet.Unicode, SetLastError = true)]
        internal static extern int WriteFile(IntPtr file, byte[] buffer, uint bytesToWrite, out uint bytesWritten, IntPtr overlapped);
        [DllImport(Dll, ExactSpelling = true, CharSet = CharSet.Unicode, SetLastError = true)]
        internal static extern IntPtr CreateEventW(IntPtr eventAttributes, int manualReset, int initialState, string name);
        [DllImport(Dll, ExactSpelling = true, CharSet = CharSet.Unicode, SetLastError = true)]
        internal static extern uint WaitForSingleObject(IntPtr handle, uint milliseconds);
        [DllImport(Dll, ExactSpelling = true, CharSet = CharSet.Unicode, SetLastError = true)]
        internal static extern int GetOverlappedResult(IntPtr file, IntPtr overlapped, out uint bytes, int wait);
        [DllImport(Dll, ExactSpelling = true, CharSet = CharSet.Unicode, SetLastError = true)]
        internal static extern int CancelIoEx(IntPtr file, IntPtr overlapped);
        [DllImport(Dll, ExactSpelling = true, CharSet = CharSet.Unicode, SetLastError = true)]
        internal static extern int CloseHandle(IntPtr @object);
    }

    // The reading end of a pipe: never waited for alone; what is beyond the limit is read and dropped.
    internal sealed class PipeReader
    {
        private const int Piece = 4096, OverlappedBytes = 32, EventOffset = 24;
        private readonly IntPtr file, wait, overlapped, buffer;
        private readonly int limit;
        private bool reading;
        internal readonly List<byte> Kept = new List<byte>();
        internal bool Truncated, Ended;

        internal PipeReader(IntPtr file, int limit)
        {
            this.file = file;
            this.limit = limit;
            wait = Kernel.CreateEventW(IntPtr.Zero, 1, 0, null);
            overlapped = Marshal.AllocHGlobal(OverlappedBytes);
            for (int at = 0; at < OverlappedBytes; at++) { Marshal.WriteByte(overlapped, at, 0); }
            Marshal.WriteIntPtr(overlapped, EventOffset, wait);
            buffer = Marshal.AllocHGlobal(Piece);
        }

        internal bool Poll(uint ms)
        {
            uint got;
            if (Ended) { return false; }
            if (!reading)
            {
                // ERROR_IO_PENDING; a broken pipe is how a stream ends.
                Ended = Kernel.ReadFile(file, buffer, Piece, out got, overlapped) == 0 && Marshal.GetLastWin32Error() != 997;
                reading = !Ended;
                if (Ended) { return false; }
            }
            if (Kernel.WaitForSingleObject(wait, ms) != 0) { return false; }
            if (Kernel.GetOverlappedResult(file, overlapped, out got, 0) == 0)
            {
                // ERROR_IO_INCOMPLETE.
                if (Marshal.GetLastWin32Error() == 996) { return false; }
                reading = false;
                Ended = true;
                return true;
            }
            reading = false;
            byte[] piece = new byte[got];
            Marshal.Copy(buffer, piece, 0, (int)got);
            int room = Math.Min(limit - Kept.Count, (int)got);
            for (int at = 0; at < room; at++) { Kept.Add(piece[at]); }
            Truncated = Truncated || got > room;
            return true;
        }

        internal void Close()
        {
            uint got;
            if (reading)
            {
                // The system writes into the buffer until the read has come to its end.
                Kernel.CancelIoEx(file, overlapped);
                Kernel.GetOverlappedResult(file, overlapped, out got, 1);
            }
            Kernel.CloseHandle(wait);
            Kernel.CloseHandle(file);
            Marshal.FreeHGlobal(overlapped);
            Marshal.FreeHGlobal(buffer);
        }

        internal string Text() { return Encoding.UTF8.GetString(Kept.ToArray()); }
    }

    public abstract class Platform : Calls
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

        public static Answer Grant(string vm, string path, uint ms)
        {
            return Within("HcsGrantVmAccess", ms, delegate(Answer answer) { return Core.HcsGrantVmAccess(vm, path); });
        }

        public static Answer Revoke(string vm, string path, uint ms)
        {
            return Within("HcsRevokeVmAccess", ms, delegate(Answer answer) { return Core.HcsRevokeVmAccess(vm, path); });
        }

        private static DriverInfo Info()
        {
            DriverInfo info = new DriverInfo();
            info.Flavour = 1;
            info.Home = NoHome;
            return info;
        }

        private static string Last(string path)
        {
            string plain = path.Replace('/', '\\').TrimEnd('\\');
            return plain.Substring(plain.LastIndexOf('\\') + 1);
        }

        public static Answer LayerId(string path)
        {
            return Guarded("NameToGuid", delegate(Answer answer)
            {
                Guid id;
                int code = Vm.NameToGuid(Last(path), out id);
                answer.Text = id.ToString("D");
                return code;
            });
        }

        private delegate int WithParents(Descriptor[] descriptors);

        private static int Described(string[] parents, WithParents call)
        {
            Descriptor[] rows = new Descriptor[parents.Length];
            try
            {
                for (int at = 0; at < parents.Length; at++)
                {
                    int code = Vm.NameToGuid(Last(parents[at]), out rows[at].Id);
                    if (code < 0) { return code; }
                    rows[at].Path = Marshal.StringToHGlobalUni(parents[at]);
                }
                return call(rows);
            }
            finally { foreach (Descriptor row in rows) { Marshal.FreeHGlobal(row.Path); } }
        }

        public static Answer Scratch(string path, string[] parents, uint ms)
        {
            return Within("CreateSandboxLayer", ms, delegate(Answer answer)
            {
                DriverInfo info = Info();
                return Described(parents, delegate(Descriptor[] rows) { return Vm.CreateSandboxLayer(ref info, path, UIntPtr.Zero, rows, (uint)rows.Length); });
            });
        }

        // A disk may take a moment to arrive (seen on Server 2019): hcsshim internal/wclayer/activatelayer.go.
        public static Answer Activate(string path, uint ms)
        {
            return Within("ActivateLayer", ms, delegate(Answer answer)
            {
                DriverInfo info = Info();
                int code = Vm.ActivateLayer(ref info, path);
                for (int attempt = 1; attempt < Attempts && IsLate(code); attempt++)
                {
                    Vm.DeactivateLayer(ref info, path);
                    Thread.Sleep(PauseMs);
                    code = Vm.ActivateLayer(ref info, path);
                }
                return code;
            });
        }

        private static bool IsLate(int code) { return unchecked((uint)code) == NotReady || unchecked((uint)code) == NotConnected; }

        public static Answer Prepare(string path, string[] parents, uint ms)
        {
            return Within("PrepareLayer", ms, delegate(Answer answer)
            {
                DriverInfo info = Info();
                return Described(parents, delegate(Descriptor[] rows)
                {
                    int code = Vm.PrepareLayer(ref info, path, rows, (uint)rows.Length);
                    for (int attempt = 1; attempt < Attempts && IsLate(code); attempt++)
                    {
                        Vm.DeactivateLayer(ref info, path);
                        Thread.Sleep(PauseMs);
                        answer.Export = "ActivateLayer";
                        code = Vm.ActivateLayer(ref info, path);
                        if (code < 0) { continue; }
                        answer.Export = "PrepareLayer";
                        code = Vm.PrepareLayer(ref info, path, rows, (uint)rows.Length);
                    }
                    return code;
                });
            });
        }

        public static Answer Volume(string path, uint ms)
        {
            return Within("GetLayerMountPath", ms, delegate(Answer answer)
            {
                DriverInfo info = Info();
                UIntPtr length = UIntPtr.Zero;
                int code = Vm.GetLayerMountPath(ref info, path, ref length, null);
                if (code < 0) { return code; }
                char[] buffer = new char[(int)length.ToUInt32() + 1];
                code = Vm.GetLayerMountPath(ref info, path, ref length, buffer);
                answer.Text = new string(buffer).Split('\0')[0].TrimEnd('\\') + '\\';
                return code;
            });
        }

        public static Answer Unprepare(string path, uint ms)
        {
            return Within("UnprepareLayer", ms, delegate(Answer answer) { DriverInfo info = Info(); return Vm.UnprepareLayer(ref info, path); });
        }

        public static Answer Deactivate(string path, uint ms)
        {
            return Within("DeactivateLayer", ms, delegate(Answer answer) { DriverInfo info = Info(); return Vm.DeactivateLayer(ref info, path); });
        }

        public static Answer Destroy(string path, uint ms)
        {
            return Within("DestroyLayer", ms, delegate(Answer answer) { DriverInfo info = Info(); return Vm.DestroyLayer(ref info, path); });
        }

        public static Answer Base(string path, uint ms)
        {
            return Within("ProcessBaseImage", ms, delegate(Answer answer) { return Vm.ProcessBaseImage(path); });
        }

        private static int FromWin32(uint code) { return code == 0 ? 0 : Failed(Win32 | (code & 0xFFFF)); }

        public static Answer Hive(string path, uint ms)
        {
            return Within("ORSaveHive", ms, delegate(Answer answer)
            {
                IntPtr hive;
                uint code = Offline.ORCreateHive(out hive);
                if (code != 0) { answer.Export = "ORCreateHive"; return FromWin32(code); }
                // The version of hives that every Windows from 6.1 on reads.
                try { return FromWin32(Offline.ORSaveHive(hive, path, 6, 1)); }
                finally { Offline.ORCloseHive(hive); }
            });
        }

        // Files on a layer's volume, whose path .NET Framework may not take.
        public static Answer WriteVolume(string path, byte[] data)
        {
            return Guarded("CreateFileW", delegate(Answer answer)
            {
                // GENERIC_WRITE, FILE_SHARE_READ, CREATE_ALWAYS, FILE_ATTRIBUTE_NORMAL
                IntPtr file = Kernel.CreateFileW(path, 0x40000000, 1, IntPtr.Zero, 2, 0x80, IntPtr.Zero);
                if (!IsOpen(file)) { return FromWin32((uint)Marshal.GetLastWin32Error()); }
                try
                {
                    uint done;
                    answer.Export = "WriteFile";
                    return Kernel.WriteFile(file, data, (uint)data.Length, out done, IntPtr.Zero) != 0 ? 0 : FromWin32((uint)Marshal.GetLastWin32Error());
                }
                finally { Kernel.CloseHandle(file); }
            });
        }

        public static Answer ReadVolume(string path, int limit)
        {
            return Guarded("CreateFileW", delegate(Answer answer)
            {
                // GENERIC_READ, FILE_SHARE_READ, OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL
                IntPtr file = Kernel.CreateFileW(path, 0x80000000, 1, IntPtr.Zero, 3, 0x80, IntPtr.Zero);
                if (!IsOpen(file)) { return FromWin32((uint)Marshal.GetLastWin32Error()); }
                IntPtr buffer = Marshal.AllocHGlobal(limit);
                try
                {
                    uint done;
                    answer.Export = "ReadFile";
                    if (Kernel.ReadFile(file, buffer, (uint)limit, out done, IntPtr.Zero) == 0) { return FromWin32((uint)Marshal.GetLastWin32Error()); }
                    byte[] data = new byte[done];
                    Marshal.Copy(buffer, data, 0, (int)done);
                    answer.Text = Encoding.UTF8.GetString(data);
                    return 0;
                }
                finally { Marshal.FreeHGlobal(buffer); Kernel.CloseHandle(file); }
            });
        }
    }
}

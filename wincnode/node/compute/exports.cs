// The exports of the Host Compute Service, of layers and of hives, and what of Windows their results take.
// Source: computecore.h of the Windows SDK 10.0.26100.0; microsoft/hcsshim:internal/vmcompute/vmcompute.go
// and internal/wclayer/wclayer.go@7c9ff7f4 for vmcompute.dll; offline-registry-library-functions for offreg.dll;
// ntsecapi.h, lsalookup.h and sddl.h for advapi32.dll (learn.microsoft.com/windows/win32/api/ntsecapi)
namespace Wincnode
{
    [StructLayout(LayoutKind.Sequential)]
    internal struct ProcessInformation { public uint ProcessId, Reserved; public IntPtr StdInput, StdOutput, StdError; }

    [StructLayout(LayoutKind.Sequential)]
    internal struct DriverInfo { public int Flavour; public IntPtr Home; }

    [StructLayout(LayoutKind.Sequential)]
    internal struct Descriptor { public Guid Id; public uint Flags; public IntPtr Path; }

    // LSA_UNICODE_STRING: lengths are in bytes, the NUL behind it counts to the second alone.
    [StructLayout(LayoutKind.Sequential)]
    internal struct LsaText { public ushort Length, MaximumLength; public IntPtr Buffer; }

    [StructLayout(LayoutKind.Sequential)]
    internal struct LsaAttributes { public uint Length; public IntPtr RootDirectory, ObjectName; public uint Attributes; public IntPtr SecurityDescriptor, SecurityQualityOfService; }

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

    internal static class Lsa
    {
        private const string Dll = "advapi32.dll";
        [DllImport(Dll, ExactSpelling = true, CharSet = CharSet.Unicode)]
        internal static extern int LsaOpenPolicy(IntPtr systemName, ref LsaAttributes objectAttributes, uint desiredAccess, out IntPtr policyHandle);
        [DllImport(Dll, ExactSpelling = true, CharSet = CharSet.Unicode)]
        internal static extern int LsaEnumerateAccountsWithUserRight(IntPtr policyHandle, ref LsaText userRight, out IntPtr buffer, out uint countReturned);
        [DllImport(Dll, ExactSpelling = true, CharSet = CharSet.Unicode)]
        internal static extern int LsaFreeMemory(IntPtr buffer);
        [DllImport(Dll, ExactSpelling = true, CharSet = CharSet.Unicode)]
        internal static extern int LsaClose(IntPtr objectHandle);
    }

    internal static class Sids
    {
        [DllImport("advapi32.dll", ExactSpelling = true, CharSet = CharSet.Unicode, SetLastError = true)]
        internal static extern int ConvertSidToStringSidW(IntPtr sid, out IntPtr stringSid);
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
}

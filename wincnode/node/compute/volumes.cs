// Files on a layer's volume, whose path .NET Framework may not take.
namespace Wincnode
{
    public abstract partial class Platform : Calls
    {
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

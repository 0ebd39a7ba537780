// Layers and hives. Calls of vmcompute.dll return when they are done, so that each has a thread of its own.
namespace Wincnode
{
    public abstract partial class Platform : Calls
    {
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
    }
}

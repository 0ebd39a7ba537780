// Who holds a right of accounts, by SIDs, which are the same in every language of Windows.
// Source: learn.microsoft.com/windows/win32/api/ntsecapi/nf-ntsecapi-lsaenumerateaccountswithuserright;
// NTSTATUS: [MS-ERREF] 2.3.1, whose sign says failure as that of an HRESULT does.
namespace Wincnode
{
    public abstract partial class Platform : Calls
    {
        // POLICY_VIEW_LOCAL_INFORMATION and POLICY_LOOKUP_NAMES of ntsecapi.h; STATUS_NO_MORE_ENTRIES.
        private const uint ViewAndLookUp = 0x801, NoMoreEntries = 0x8000001A;

        public static Answer Holders(string right, uint ms)
        {
            return Within("LsaOpenPolicy", ms, delegate(Answer answer)
            {
                LsaAttributes attributes = new LsaAttributes();
                attributes.Length = (uint)Marshal.SizeOf(typeof(LsaAttributes));
                IntPtr policy;
                int code = Lsa.LsaOpenPolicy(IntPtr.Zero, ref attributes, ViewAndLookUp, out policy);
                if (code < 0) { return code; }
                try { return Held(policy, right, answer); }
                finally { Lsa.LsaClose(policy); }
            });
        }

        private static int Held(IntPtr policy, string right, Answer answer)
        {
            IntPtr rows;
            uint count;
            LsaText name = new LsaText();
            name.Length = (ushort)(2 * right.Length);
            name.MaximumLength = (ushort)(2 * right.Length + 2);
            name.Buffer = Marshal.StringToHGlobalUni(right);
            answer.Export = "LsaEnumerateAccountsWithUserRight";
            int code;
            try { code = Lsa.LsaEnumerateAccountsWithUserRight(policy, ref name, out rows, out count); }
            finally { Marshal.FreeHGlobal(name.Buffer); }
            // Nobody holds it.
            if (unchecked((uint)code) == NoMoreEntries) { return 0; }
            if (code < 0) { return code; }
            try
            {
                // LSA_ENUMERATION_INFORMATION is the address of a SID.
                string[] sids = new string[count];
                for (int at = 0; at < count; at++)
                {
                    IntPtr text;
                    if (Sids.ConvertSidToStringSidW(Marshal.ReadIntPtr(rows, at * IntPtr.Size), out text) == 0)
                    {
                        answer.Export = "ConvertSidToStringSidW";
                        return FromWin32((uint)Marshal.GetLastWin32Error());
                    }
                    sids[at] = Taken(text, true);
                }
                answer.Text = string.Join(",", sids);
                return 0;
            }
            finally { Lsa.LsaFreeMemory(rows); }
        }
    }
}

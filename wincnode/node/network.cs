// The exports of the Host Network Service, each thin and within a limit of time; what is to be there
// is networks.ps1's. Compiled together with calls.cs.
// Source: computenetwork.h of the Windows SDK 10.0.26100.0; microsoft/hcsshim:hcn/hcn.go, hcnnetwork.go,
// internal/hns/hns.go@7c9ff7f4 (order of calls, error records, HNSCall of vmcompute.dll)
namespace Wincnode
{
    internal static class Hcn
    {
        private const string Dll = "computenetwork.dll";
        [DllImport(Dll, ExactSpelling = true, CharSet = CharSet.Unicode)]
        internal static extern int HcnEnumerateNetworks(string query, out IntPtr networks, out IntPtr errorRecord);
        [DllImport(Dll, ExactSpelling = true, CharSet = CharSet.Unicode)]
        internal static extern int HcnCreateNetwork(ref Guid id, string settings, out IntPtr network, out IntPtr errorRecord);
        [DllImport(Dll, ExactSpelling = true, CharSet = CharSet.Unicode)]
        internal static extern int HcnOpenNetwork(ref Guid id, out IntPtr network, out IntPtr errorRecord);
        [DllImport(Dll, ExactSpelling = true, CharSet = CharSet.Unicode)]
        internal static extern int HcnModifyNetwork(IntPtr network, string settings, out IntPtr errorRecord);
        [DllImport(Dll, ExactSpelling = true, CharSet = CharSet.Unicode)]
        internal static extern int HcnQueryNetworkProperties(IntPtr network, string query, out IntPtr properties, out IntPtr errorRecord);
        [DllImport(Dll, ExactSpelling = true, CharSet = CharSet.Unicode)]
        internal static extern int HcnDeleteNetwork(ref Guid id, out IntPtr errorRecord);
        [DllImport(Dll, ExactSpelling = true, CharSet = CharSet.Unicode)]
        internal static extern int HcnCloseNetwork(IntPtr network);
        [DllImport(Dll, ExactSpelling = true, CharSet = CharSet.Unicode)]
        internal static extern int HcnEnumerateEndpoints(string query, out IntPtr endpoints, out IntPtr errorRecord);
        [DllImport(Dll, ExactSpelling = true, CharSet = CharSet.Unicode)]
        internal static extern int HcnCreateEndpoint(IntPtr network, ref Guid id, string settings, out IntPtr endpoint, out IntPtr errorRecord);
        [DllImport(Dll, ExactSpelling = true, CharSet = CharSet.Unicode)]
        internal static extern int HcnOpenEndpoint(ref Guid id, out IntPtr endpoint, out IntPtr errorRecord);
        [DllImport(Dll, ExactSpelling = true, CharSet = CharSet.Unicode)]
        internal static extern int HcnModifyEndpoint(IntPtr endpoint, string settings, out IntPtr errorRecord);
        [DllImport(Dll, ExactSpelling = true, CharSet = CharSet.Unicode)]
        internal static extern int HcnQueryEndpointProperties(IntPtr endpoint, string query, out IntPtr properties, out IntPtr errorRecord);
        [DllImport(Dll, ExactSpelling = true, CharSet = CharSet.Unicode)]
        internal static extern int HcnDeleteEndpoint(ref Guid id, out IntPtr errorRecord);
        [DllImport(Dll, ExactSpelling = true, CharSet = CharSet.Unicode)]
        internal static extern int HcnCloseEndpoint(IntPtr endpoint);
        [DllImport(Dll, ExactSpelling = true, CharSet = CharSet.Unicode)]
        internal static extern int HcnEnumerateNamespaces(string query, out IntPtr namespaces, out IntPtr errorRecord);
        [DllImport(Dll, ExactSpelling = true, CharSet = CharSet.Unicode)]
        internal static extern int HcnCreateNamespace(ref Guid id, string settings, out IntPtr @namespace, out IntPtr errorRecord);
        [DllImport(Dll, ExactSpelling = true, CharSet = CharSet.Unicode)]
        internal static extern int HcnOpenNamespace(ref Guid id, out IntPtr @namespace, out IntPtr errorRecord);
        [DllImport(Dll, ExactSpelling = true, CharSet = CharSet.Unicode)]
        internal static extern int HcnModifyNamespace(IntPtr @namespace, string settings, out IntPtr errorRecord);
        [DllImport(Dll, ExactSpelling = true, CharSet = CharSet.Unicode)]
        internal static extern int HcnQueryNamespaceProperties(IntPtr @namespace, string query, out IntPtr properties, out IntPtr errorRecord);
        [DllImport(Dll, ExactSpelling = true, CharSet = CharSet.Unicode)]
        internal static extern int HcnDeleteNamespace(ref Guid id, out IntPtr errorRecord);
        [DllImport(Dll, ExactSpelling = true, CharSet = CharSet.Unicode)]
        internal static extern int HcnCloseNamespace(IntPtr @namespace);
    }

    internal static class Hns
    {
        [DllImport("vmcompute.dll", ExactSpelling = true, CharSet = CharSet.Unicode)]
        internal static extern int HNSCall(string method, string path, string @object, out IntPtr response);
    }

    // A kind is network, endpoint or namespace. Document is what a call gives, Err an error record.
    public abstract class Network : Calls
    {
        // What hcsshim asks for, too; Flags 1 would ask for more than the documents that clients know.
        private const string All = "{\"SchemaVersion\":{\"Major\":2,\"Minor\":0},\"Flags\":0}";
        private const uint Unspecified = 0x80004005;

        private delegate int WithHandle(IntPtr handle, out IntPtr text, out IntPtr error);

        // An error record is a failure, even where the code is none.
        private static int Ended(Answer answer, int code, IntPtr error)
        {
            string record = Taken(error, false);
            if (!string.IsNullOrEmpty(record))
            {
                answer.Err = record;
                if (code >= 0) { return Failed(Unspecified); }
            }
            return code;
        }

        public static Answer Version(uint ms)
        {
            return Within("HNSCall", ms, delegate(Answer answer)
            {
                IntPtr response;
                int code = Hns.HNSCall("GET", "/globals/version", "", out response);
                answer.Document = Taken(response, false);
                return code;
            });
        }

        // Gives a list of ids; the filter is JSON in a text of the query.
        public static Answer Enumerate(string kind, string query, uint ms)
        {
            return Within("HcnEnumerate" + Name(kind) + "s", ms, delegate(Answer answer)
            {
                IntPtr list, error;
                int code;
                switch (kind)
                {
                    case "network": code = Hcn.HcnEnumerateNetworks(query, out list, out error); break;
                    case "endpoint": code = Hcn.HcnEnumerateEndpoints(query, out list, out error); break;
                    default: code = Hcn.HcnEnumerateNamespaces(query, out list, out error); break;
                }
                answer.Document = Taken(list, false);
                return Ended(answer, code, error);
            });
        }

        // Without an id HNS chooses one, and Document says which; the network is that of an endpoint.
        public static Answer Create(string kind, string network, string id, string document, uint ms)
        {
            string export = "HcnCreate" + Name(kind);
            return Within(export, ms, delegate(Answer answer)
            {
                if (kind == "endpoint")
                {
                    return Opened(answer, "network", network, delegate(IntPtr on, out IntPtr text, out IntPtr error)
                    {
                        answer.Export = export;
                        text = IntPtr.Zero;
                        error = IntPtr.Zero;
                        return Made(answer, kind, on, id, document);
                    });
                }
                return Made(answer, kind, IntPtr.Zero, id, document);
            });
        }

        private static int Made(Answer answer, string kind, IntPtr network, string id, string document)
        {
            Guid which = id == "" ? Guid.Empty : new Guid(id);
            IntPtr handle, error, text;
            int code;
            switch (kind)
            {
                case "network": code = Hcn.HcnCreateNetwork(ref which, document, out handle, out error); break;
                case "endpoint": code = Hcn.HcnCreateEndpoint(network, ref which, document, out handle, out error); break;
                default: code = Hcn.HcnCreateNamespace(ref which, document, out handle, out error); break;
            }
            code = Ended(answer, code, error);
            if (handle == IntPtr.Zero) { return code; }
            try
            {
                if (code < 0) { return code; }
                answer.Export = "HcnQuery" + Name(kind) + "Properties";
                code = Properties(kind, handle, All, out text, out error);
                answer.Document = Taken(text, false);
                return Ended(answer, code, error);
            }
            finally { Close(kind, handle); }
        }

        public static Answer Query(string kind, string id, uint ms)
        {
            string export = "HcnQuery" + Name(kind) + "Properties";
            return Within(export, ms, delegate(Answer answer)
            {
                return Opened(answer, kind, id, delegate(IntPtr handle, out IntPtr text, out IntPtr error)
                {
                    answer.Export = export;
                    return Properties(kind, handle, All, out text, out error);
                });
            });
        }

        public static Answer Modify(string kind, string id, string request, uint ms)
        {
            string export = "HcnModify" + Name(kind);
            return Within(export, ms, delegate(Answer answer)
            {
                return Opened(answer, kind, id, delegate(IntPtr handle, out IntPtr text, out IntPtr error)
                {
                    answer.Export = export;
                    text = IntPtr.Zero;
                    switch (kind)
                    {
                        case "network": return Hcn.HcnModifyNetwork(handle, request, out error);
                        case "endpoint": return Hcn.HcnModifyEndpoint(handle, request, out error);
                        default: return Hcn.HcnModifyNamespace(handle, request, out error);
                    }
                });
            });
        }

        public static Answer Delete(string kind, string id, uint ms)
        {
            return Within("HcnDelete" + Name(kind), ms, delegate(Answer answer)
            {
                Guid which = new Guid(id);
                IntPtr error;
                int code;
                switch (kind)
                {
                    case "network": code = Hcn.HcnDeleteNetwork(ref which, out error); break;
                    case "endpoint": code = Hcn.HcnDeleteEndpoint(ref which, out error); break;
                    default: code = Hcn.HcnDeleteNamespace(ref which, out error); break;
                }
                return Ended(answer, code, error);
            });
        }

        private static string Name(string kind) { return char.ToUpperInvariant(kind[0]) + kind.Substring(1); }

        private static int Opened(Answer answer, string kind, string id, WithHandle work)
        {
            Guid which = new Guid(id);
            IntPtr handle, text, error;
            int code;
            answer.Export = "HcnOpen" + Name(kind);
            switch (kind)
            {
                case "network": code = Hcn.HcnOpenNetwork(ref which, out handle, out error); break;
                case "endpoint": code = Hcn.HcnOpenEndpoint(ref which, out handle, out error); break;
                default: code = Hcn.HcnOpenNamespace(ref which, out handle, out error); break;
            }
            code = Ended(answer, code, error);
            if (handle == IntPtr.Zero) { return code; }
            try
            {
                if (code < 0) { return code; }
                code = work(handle, out text, out error);
                if (text != IntPtr.Zero) { answer.Document = Taken(text, false); }
                return Ended(answer, code, error);
            }
            finally { Close(kind, handle); }
        }

        private static int Properties(string kind, IntPtr handle, string query, out IntPtr text, out IntPtr error)
        {
            switch (kind)
            {
                case "network": return Hcn.HcnQueryNetworkProperties(handle, query, out text, out error);
                case "endpoint": return Hcn.HcnQueryEndpointProperties(handle, query, out text, out error);
                default: return Hcn.HcnQueryNamespaceProperties(handle, query, out text, out error);
            }
        }

        private static void Close(string kind, IntPtr handle)
        {
            switch (kind)
            {
                case "network": Hcn.HcnCloseNetwork(handle); break;
                case "endpoint": Hcn.HcnCloseEndpoint(handle); break;
                default: Hcn.HcnCloseNamespace(handle); break;
            }
        }
    }
}

// What a process in a compute system writes: the reading ends of its pipes.
namespace Wincnode
{
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
}

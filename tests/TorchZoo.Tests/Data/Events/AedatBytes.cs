using System.Buffers.Binary;
using System.Text;

namespace TorchZoo.Tests.Data.Events;

/// <summary>Recordings written byte by byte, from the descriptions of the formats.</summary>
internal static class AedatBytes
{
    public static byte[] Header3 { get; } = Encoding.ASCII.GetBytes(
        "#!AER-DAT3.1\r\n#Format: RAW\r\n#Source 0: DVS128\r\n#Start-Time: 2016-01-01 00:00:00 (TZ+0000)\r\n#!END-HEADER\r\n");

    public static byte[] Header2 { get; } = Encoding.ASCII.GetBytes(
        "#!AER-DAT2.0\r\n# This is a raw AE data file\r\n# created by a test\r\n");

    /// <summary>A packet of AEDAT 3.1.</summary>
    public static byte[] Packet(int type, int eventSize, uint overflow, params byte[][] events)
    {
        var packet = new byte[28];
        BinaryPrimitives.WriteUInt16LittleEndian(packet, (ushort)type);
        BinaryPrimitives.WriteUInt32LittleEndian(packet.AsSpan(4), (uint)eventSize);
        BinaryPrimitives.WriteUInt32LittleEndian(packet.AsSpan(8), 4);
        BinaryPrimitives.WriteUInt32LittleEndian(packet.AsSpan(12), overflow);
        foreach (var at in new[] { 16, 20, 24 }) BinaryPrimitives.WriteUInt32LittleEndian(packet.AsSpan(at), (uint)events.Length);
        return [.. packet, .. events.SelectMany(e => e)];
    }

    /// <summary>An event of polarity of AEDAT 3.1.</summary>
    public static byte[] Event3(uint time, uint x, uint y, bool isOn, bool isValid = true)
    {
        var bytes = new byte[8];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, (x << 17) | (y << 2) | (isOn ? 2u : 0) | (isValid ? 1u : 0));
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(4), time);
        return bytes;
    }

    /// <summary>An event of AEDAT 2.0.</summary>
    public static byte[] Event2(uint time, uint address)
    {
        var bytes = new byte[8];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, address);
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(4), time);
        return bytes;
    }
}

using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using TorchZoo.Checkpoints;
using TorchZoo.Numerics;
using static TorchSharp.torch;

namespace TorchZoo.Data.Formats;

/// <summary>Writes surfaces for other programs: <c>.ply</c> (binary) or <c>.obj</c> (text), coordinates in single precision.</summary>
public static class MeshFile
{
    /// <summary>Writes a surface, whole or not at all.</summary>
    /// <param name="path">The file; its ending says what it becomes.</param>
    /// <param name="mesh">The surface.</param>
    /// <exception cref="ArgumentException">Another ending, or more vertices than the format has numbers for.</exception>
    public static void Save(string path, TriangleMesh mesh)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        ArgumentNullException.ThrowIfNull(mesh);
        Action<Stream, float[], long[]> write = Path.GetExtension(path).ToLowerInvariant() switch
        {
            ".ply" => WritePly,
            ".obj" => WriteObj,
            var other => throw new ArgumentException($"Expected a .ply or .obj file, got '{other}'", nameof(path)),
        };
        if (mesh.Vertices.shape[0] > int.MaxValue)
            throw new ArgumentException($"Expected at most {int.MaxValue} vertices, got {mesh.Vertices.shape[0]}", nameof(mesh));
        using var scope = NewDisposeScope();
        // An empty tensor has no data to ask for.
        float[] vertices = mesh.Vertices.numel() == 0 ? []
            : mesh.Vertices.detach().to(ScalarType.Float32).cpu().contiguous().data<float>().ToArray();
        long[] faces = mesh.Faces.numel() == 0 ? [] : mesh.Faces.cpu().contiguous().data<long>().ToArray();
        AtomicFile.Write(path, stream => write(stream, vertices, faces));
    }

    private static void WritePly(Stream stream, float[] vertices, long[] faces)
    {
        stream.Write(Encoding.ASCII.GetBytes($"ply\nformat binary_little_endian 1.0\n"
            + $"element vertex {vertices.Length / 3}\nproperty float x\nproperty float y\nproperty float z\n"
            + $"element face {faces.Length / 3}\nproperty list uchar int vertex_indices\nend_header\n"));
        Span<byte> buffer = stackalloc byte[1 + (3 * sizeof(int))];
        foreach (var x in vertices)
        {
            BinaryPrimitives.WriteSingleLittleEndian(buffer, x);
            stream.Write(buffer[..sizeof(float)]);
        }
        buffer[0] = 3;
        for (var i = 0; i < faces.Length; i += 3)
        {
            for (var k = 0; k < 3; k++) BinaryPrimitives.WriteInt32LittleEndian(buffer[(1 + (sizeof(int) * k))..], (int)faces[i + k]);
            stream.Write(buffer);
        }
    }

    private static void WriteObj(Stream stream, float[] vertices, long[] faces)
    {
        using var writer = new StreamWriter(stream, leaveOpen: true) { NewLine = "\n" };
        for (var i = 0; i < vertices.Length; i += 3)
            writer.WriteLine(string.Create(CultureInfo.InvariantCulture, $"v {vertices[i]} {vertices[i + 1]} {vertices[i + 2]}"));
        // Numbers of vertices begin at 1.
        for (var i = 0; i < faces.Length; i += 3)
            writer.WriteLine(string.Create(CultureInfo.InvariantCulture, $"f {faces[i] + 1} {faces[i + 1] + 1} {faces[i + 2] + 1}"));
    }
}

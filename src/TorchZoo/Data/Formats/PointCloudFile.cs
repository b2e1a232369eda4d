using System.Globalization;
using TorchZoo.Numerics;
using static TorchSharp.torch;

namespace TorchZoo.Data.Formats;

/// <summary>
/// Files of points: <c>.xyz</c> (a point a line, three numbers or six with the normal), <c>.ply</c> (text or little-endian binary),
/// <c>.obj</c> (vertices). Points without normals get them from the faces, where there are some.
/// </summary>
public static class PointCloudFile
{
    /// <summary>Reads all points of a file.</summary>
    /// <param name="path">The file; its ending says what it is.</param>
    /// <exception cref="ArgumentException">Another ending.</exception>
    /// <exception cref="IOException">The file can't be read.</exception>
    /// <exception cref="InvalidDataException">The file is damaged, or has no points.</exception>
    public static PointCloud Load(string path)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        Func<string, ParsedPoints> read = Path.GetExtension(path).ToLowerInvariant() switch
        {
            ".xyz" => ReadXyz,
            ".obj" => ObjReader.Read,
            ".ply" => PlyReader.Read,
            var other => throw new ArgumentException($"Expected a .xyz, .ply or .obj file, got '{other}'", nameof(path)),
        };
        return Finish(read(path), path);
    }

    private static PointCloud Finish(ParsedPoints parsed, string path)
    {
        if (parsed.Positions.Count == 0) throw new InvalidDataException($"{path}: there are no points");
        var bad = parsed.Positions.FindIndex(x => !double.IsFinite(x));
        if (bad >= 0) throw new InvalidDataException($"{path}: point {bad / 3} has a coordinate that is no finite number");
        using var off = no_grad();
        using var scope = NewDisposeScope();
        var points = tensor(parsed.Positions.ToArray(), [parsed.Positions.Count / 3, 3]);
        Tensor? normals = null;
        if (parsed.Normals.Count > 0)
        {
            if (parsed.Normals.Exists(x => !double.IsFinite(x)))
                throw new InvalidDataException($"{path}: a normal has a coordinate that is no finite number");
            normals = tensor(parsed.Normals.ToArray(), [parsed.Normals.Count / 3, 3]);
            normals /= normals.norm(1, keepdim: true).clamp_min(double.Epsilon);
        }
        else if (parsed.Triangles.Count > 0)
        {
            if (parsed.Triangles.Exists(i => i < 0 || i >= points.shape[0]))
                throw new InvalidDataException($"{path}: a face has a corner that isn't there");
            using var mesh = new TriangleMesh(points.alias(), tensor(parsed.Triangles.ToArray(), [parsed.Triangles.Count / 3, 3]));
            normals = mesh.VertexNormals();
        }
        return new PointCloud(points.MoveToOuterDisposeScope(), normals?.MoveToOuterDisposeScope());
    }

    private static ParsedPoints ReadXyz(string path)
    {
        var parsed = new ParsedPoints();
        var (columns, number) = (0, 0);
        foreach (var line in File.ReadLines(path))
        {
            number++;
            var words = line.Split((char[]?)[' ', '\t', ',', ';'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
            if (words.Length == 0 || words[0][0] == '#') continue;
            if (columns == 0) columns = words.Length;
            if (columns is not (3 or 6) || words.Length != columns)
                throw new InvalidDataException(
                    $"{path}, line {number}: expected {(columns is 3 or 6 ? columns : "3 or 6")} numbers, got {words.Length}");
            for (var i = 0; i < columns; i++) (i < 3 ? parsed.Positions : parsed.Normals).Add(Number(words[i], path, number));
        }
        return parsed;
    }

    internal static double Number(string word, string path, int line) =>
        double.TryParse(word, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) ? value
            : throw new InvalidDataException($"{path}, line {line}: expected a number, got '{Short(word)}'");

    /// <summary>A word for a message: what a damaged file holds may be long.</summary>
    internal static string Short(string word) => word.Length > 20 ? word[..20] + "…" : word;
}

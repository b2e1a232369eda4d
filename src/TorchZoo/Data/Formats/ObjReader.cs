using System.Globalization;

namespace TorchZoo.Data.Formats;

/// <summary>Vertices, normals and faces of a Wavefront <c>.obj</c> file; what else it says is passed over.</summary>
internal static class ObjReader
{
    public static ParsedPoints Read(string path)
    {
        var parsed = new ParsedPoints();
        var normals = new List<double>();
        // The normal that the faces give each vertex: (vertex, normal).
        var uses = new List<(long Vertex, long Normal)>();
        var number = 0;
        foreach (var line in File.ReadLines(path))
        {
            number++;
            var words = line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
            if (words.Length == 0) continue;
            switch (words[0])
            {
                case "v": AddTriple(parsed.Positions, words, path, number); break;
                case "vn": AddTriple(normals, words, path, number); break;
                case "f":
                    if (words.Length < 4)
                        throw new InvalidDataException(
                            $"{path}, line {number}: expected a face of at least 3 corners, got {words.Length - 1}");
                    var corners = new long[words.Length - 1];
                    for (var i = 0; i < corners.Length; i++)
                    {
                        var parts = words[i + 1].Split('/');
                        corners[i] = Index(parts[0], parsed.Positions.Count / 3, path, number);
                        if (parts is [_, _, { Length: > 0 } normal, ..])
                            uses.Add((corners[i], Index(normal, normals.Count / 3, path, number)));
                    }
                    parsed.AddFace(corners);
                    break;
            }
        }
        if (uses.Count > 0)
        {
            parsed.Normals.AddRange(Enumerable.Repeat(0.0, parsed.Positions.Count));
            foreach (var (vertex, normal) in uses)
                for (var a = 0; a < 3; a++) parsed.Normals[(int)((3 * vertex) + a)] += normals[(int)((3 * normal) + a)];
        }
        // A cloud without faces: normals go with the vertices one by one.
        else if (normals.Count == parsed.Positions.Count) parsed.Normals.AddRange(normals);
        return parsed;
    }

    private static void AddTriple(List<double> list, string[] words, string path, int line)
    {
        if (words.Length < 4)
            throw new InvalidDataException($"{path}, line {line}: expected three numbers after '{words[0]}', got {words.Length - 1}");
        for (var a = 1; a <= 3; a++) list.Add(PointCloudFile.Number(words[a], path, line));
    }

    // From 1, or from the end if negative.
    private static long Index(string word, int count, string path, int line)
    {
        if (!long.TryParse(word, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var index))
            throw new InvalidDataException(
                $"{path}, line {line}: expected a number of a vertex or normal, got '{PointCloudFile.Short(word)}'");
        var from0 = index < 0 ? count + index : index - 1;
        return from0 >= 0 && from0 < count ? from0
            : throw new InvalidDataException($"{path}, line {line}: there is no number {index} among the {count} so far");
    }
}

using System.Buffers.Binary;
using System.Buffers.Text;
using System.Globalization;
using System.Text;

namespace TorchZoo.Data.Formats;

/// <summary>Vertices, normals and faces of a <c>.ply</c> file, as text or little-endian binary.</summary>
internal sealed class PlyReader
{
    private const int MaximumFaceCorners = 1 << 16;
    private readonly string _path;
    private readonly byte[] _bytes;
    private readonly List<Element> _elements = [];
    private int _position;
    private bool _isText;

    private PlyReader(string path) => (_path, _bytes) = (path, File.ReadAllBytes(path));

    private enum Kind { Int8, UInt8, Int16, UInt16, Int32, UInt32, Float32, Float64 }

    public static ParsedPoints Read(string path)
    {
        var reader = new PlyReader(path);
        reader.ReadHeader();
        return reader.ReadBody();
    }

    private void ReadHeader()
    {
        if (NextLine() != "ply") throw Damaged("it does not begin with 'ply'");
        string? format = null;
        for (var line = NextLine(); line != "end_header"; line = NextLine())
            switch (line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            {
                case [] or ["comment" or "obj_info", ..]: break;
                case ["format", var name, "1.0"]: format = name; break;
                case ["element", var name, var count] when long.TryParse(count, NumberStyles.None, CultureInfo.InvariantCulture, out var n):
                    _elements.Add(new(name, n));
                    break;
                case ["property", "list", var count, var item, var name] when _elements.Count > 0:
                    _elements[^1].Properties.Add(new(name, KindOf(item), KindOf(count)));
                    break;
                case ["property", var kind, var name] when _elements.Count > 0:
                    _elements[^1].Properties.Add(new(name, KindOf(kind), null));
                    break;
                default: throw Damaged($"the header has a line that isn't understood: '{(line.Length > 60 ? line[..60] + "…" : line)}'");
            }
        _isText = format switch
        {
            "ascii" => true,
            "binary_little_endian" => false,
            null => throw Damaged("the header does not say the format"),
            _ => throw Damaged($"expected the format ascii or binary_little_endian, got '{format}'"),
        };
    }

    private ParsedPoints ReadBody()
    {
        var parsed = new ParsedPoints();
        foreach (var element in _elements)
        {
            // Before anything is allocated: the file must be long enough for what it declares.
            var least = element.Properties.Sum(p => _isText ? 2L : Size(p.Count ?? p.Kind));
            if (element.Count > 0 && (least == 0 || element.Count > (_bytes.Length - _position + 1) / least))
                throw Damaged($"the header declares {element.Count} × {element.Name}; the file is too short for them");
            switch (element.Name)
            {
                case "vertex": ReadVertices(element, parsed); break;
                case "face": ReadFaces(element, parsed); break;
                default: Skip(element); break;
            }
        }
        return parsed;
    }

    private void ReadVertices(Element element, ParsedPoints parsed)
    {
        int[] position = Places(element, "x", "y", "z") ?? throw Damaged("the vertices have no x, y and z");
        var normal = Places(element, "nx", "ny", "nz");
        var values = new double[element.Properties.Count];
        for (var i = 0L; i < element.Count; i++)
        {
            foreach (var (p, property) in element.Properties.Index())
                values[p] = property.Count is { } count ? SkipList(count, property.Kind) : Next(property.Kind);
            foreach (var place in position) parsed.Positions.Add(values[place]);
            foreach (var place in normal ?? []) parsed.Normals.Add(values[place]);
        }
    }

    private void ReadFaces(Element element, ParsedPoints parsed)
    {
        for (var i = 0L; i < element.Count; i++)
            foreach (var property in element.Properties)
            {
                if (property is { Name: "vertex_indices" or "vertex_index", Count: { } count })
                {
                    var corners = new long[ListLength(count)];
                    for (var k = 0; k < corners.Length; k++) corners[k] = (long)Next(property.Kind);
                    parsed.AddFace(corners);
                }
                else if (property.Count is { } other) SkipList(other, property.Kind);
                else Next(property.Kind);
            }
    }

    private void Skip(Element element)
    {
        for (var i = 0L; i < element.Count; i++)
            foreach (var property in element.Properties)
                if (property.Count is { } count) SkipList(count, property.Kind);
                else Next(property.Kind);
    }

    private double SkipList(Kind count, Kind kind)
    {
        for (var k = ListLength(count); k > 0; k--) Next(kind);
        return 0;
    }

    private int ListLength(Kind kind) => Next(kind) is >= 0 and <= MaximumFaceCorners and var length ? (int)length
        : throw Damaged($"a list at byte {_position} has a length that can't be");

    private double Next(Kind kind)
    {
        if (_isText) return NextWord();
        var size = Size(kind);
        if (_bytes.Length - _position < size) throw Damaged("it ends early");
        var at = _bytes.AsSpan(_position, size);
        _position += size;
        return kind switch
        {
            Kind.Int8 => (sbyte)at[0],
            Kind.UInt8 => at[0],
            Kind.Int16 => BinaryPrimitives.ReadInt16LittleEndian(at),
            Kind.UInt16 => BinaryPrimitives.ReadUInt16LittleEndian(at),
            Kind.Int32 => BinaryPrimitives.ReadInt32LittleEndian(at),
            Kind.UInt32 => BinaryPrimitives.ReadUInt32LittleEndian(at),
            Kind.Float32 => BinaryPrimitives.ReadSingleLittleEndian(at),
            _ => BinaryPrimitives.ReadDoubleLittleEndian(at),
        };
    }

    private double NextWord()
    {
        while (_position < _bytes.Length && _bytes[_position] <= ' ') _position++;
        if (_position == _bytes.Length) throw Damaged("it ends early");
        var rest = _bytes.AsSpan(_position);
        var end = rest.IndexOfAny(" \t\r\n"u8);
        var word = end < 0 ? rest : rest[..end];
        if (!Utf8Parser.TryParse(word, out double value, out var used) || used != word.Length)
            throw Damaged($"expected a number at byte {_position}, got '{Encoding.Latin1.GetString(word[..Math.Min(word.Length, 20)])}'");
        _position += word.Length;
        return value;
    }

    private string NextLine()
    {
        var rest = _bytes.AsSpan(_position);
        var end = rest.IndexOf((byte)'\n');
        if (end < 0) throw Damaged("the header does not end");
        _position += end + 1;
        return Encoding.Latin1.GetString(rest[..end]).Trim();
    }

    private static int[]? Places(Element element, params string[] names)
    {
        int[] places = [.. names.Select(n => element.Properties.FindIndex(p => p.Name == n && p.Count is null))];
        return places.Contains(-1) ? null : places;
    }

    private Kind KindOf(string name) => name switch
    {
        "char" or "int8" => Kind.Int8,
        "uchar" or "uint8" => Kind.UInt8,
        "short" or "int16" => Kind.Int16,
        "ushort" or "uint16" => Kind.UInt16,
        "int" or "int32" => Kind.Int32,
        "uint" or "uint32" => Kind.UInt32,
        "float" or "float32" => Kind.Float32,
        "double" or "float64" => Kind.Float64,
        _ => throw Damaged($"there is no type '{name}'"),
    };

    private static int Size(Kind kind) => kind switch
    {
        Kind.Int8 or Kind.UInt8 => 1,
        Kind.Int16 or Kind.UInt16 => 2,
        Kind.Float64 => 8,
        _ => 4,
    };

    private InvalidDataException Damaged(string reason) => new($"{_path}: {reason}");

    private sealed record Property(string Name, Kind Kind, Kind? Count);

    private sealed record Element(string Name, long Count)
    {
        public List<Property> Properties { get; } = [];
    }
}

using System.Globalization;
using System.Text;

namespace TorchZoo.Data.Formats;

/// <summary>
/// Python's literals as headers of NumPy files have them: dictionaries with strings for keys, lists, tuples, strings, whole numbers and
/// truth values; nothing is evaluated.
/// </summary>
internal ref struct PythonLiteral
{
    private const int MaximumDepth = 16;

    private readonly ReadOnlySpan<char> _text;
    private int _at;
    private int _depth;

    private PythonLiteral(ReadOnlySpan<char> text) => _text = text;

    /// <summary>A tuple: other than a list, which is a <see cref="List{T}"/> of objects.</summary>
    public sealed record Tuple(IReadOnlyList<object> Items);

    /// <summary>Reads a dictionary that takes up the whole text but for white space.</summary>
    /// <returns>Values are <see cref="string"/>, <see cref="bool"/>, <see cref="long"/>, <see cref="Tuple"/>, lists and dictionaries.</returns>
    /// <exception cref="FormatException">The text is something else; the message says where.</exception>
    public static Dictionary<string, object> ReadDictionary(ReadOnlySpan<char> text)
    {
        var reader = new PythonLiteral(text);
        var result = reader.Dictionary();
        reader.SkipSpace();
        return reader._at == text.Length ? result : throw reader.Unexpected("the end");
    }

    private object Value()
    {
        if (++_depth > MaximumDepth) throw new FormatException($"more than {MaximumDepth} values within each other");
        SkipSpace();
        var first = Peek();
        object value = first switch
        {
            '{' => Dictionary(),
            '[' => Items(']', out _),
            '(' => Parenthesis(),
            '\'' or '"' => String(),
            '-' or (>= '0' and <= '9') => Integer(),
            _ when Takes("True") => true,
            _ when Takes("False") => false,
            _ => throw Unexpected("a value"),
        };
        _depth--;
        return value;
    }

    private Dictionary<string, object> Dictionary()
    {
        Expect('{');
        var result = new Dictionary<string, object>(StringComparer.Ordinal);
        while (!Takes('}'))
        {
            SkipSpace();
            var key = String();
            Expect(':');
            if (!result.TryAdd(key, Value())) throw new FormatException($"the key '{key}' twice");
            if (Takes(',')) continue;
            Expect('}');
            break;
        }
        return result;
    }

    private List<object> Items(char end, out bool hasComma)
    {
        _at++;
        hasComma = false;
        var items = new List<object>();
        while (!Takes(end))
        {
            items.Add(Value());
            if (Takes(','))
            {
                hasComma = true;
                continue;
            }
            Expect(end);
            break;
        }
        return items;
    }

    // What is in parentheses without a comma is no tuple.
    private object Parenthesis() => Items(')', out var hasComma) is var items && items.Count == 1 && !hasComma ? items[0] : new Tuple(items);

    private string String()
    {
        var quote = Peek();
        if (quote is not ('\'' or '"')) throw Unexpected("a string");
        var result = new StringBuilder();
        for (_at++; Peek() != quote; _at++)
        {
            if (_text[_at] != '\\')
            {
                result.Append(_text[_at]);
                continue;
            }
            _at++;
            switch (Peek())
            {
                case '\\' or '\'' or '"': result.Append(_text[_at]); break;
                case 'x': result.Append(Hexadecimal(2)); break;
                case 'u': result.Append(Hexadecimal(4)); break;
                default: throw Unexpected("a known escape");
            }
        }
        _at++;
        return result.ToString();
    }

    private char Hexadecimal(int digits)
    {
        if (_at + digits >= _text.Length || !ushort.TryParse(_text.Slice(_at + 1, digits), NumberStyles.AllowHexSpecifier,
            CultureInfo.InvariantCulture, out var code))
            throw Unexpected($"{digits} hexadecimal digits");
        _at += digits;
        return (char)code;
    }

    private object Integer()
    {
        var start = _at++;
        while (_at < _text.Length && char.IsAsciiDigit(_text[_at])) _at++;
        if (!long.TryParse(_text[start.._at], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value))
            throw Unexpected("a whole number of 64 bits");
        // Python 2 marks long integers.
        if (_at < _text.Length && _text[_at] == 'L') _at++;
        return value;
    }

    private char Peek() => _at < _text.Length ? _text[_at] : throw new FormatException("it ends early");

    private bool Takes(char c)
    {
        SkipSpace();
        if (_at >= _text.Length || _text[_at] != c) return false;
        _at++;
        return true;
    }

    private bool Takes(string word)
    {
        if (!_text[_at..].StartsWith(word, StringComparison.Ordinal)) return false;
        _at += word.Length;
        return true;
    }

    private void Expect(char c)
    {
        if (!Takes(c)) throw Unexpected($"'{c}'");
    }

    private void SkipSpace()
    {
        while (_at < _text.Length && (_text[_at] is ' ' or '\n' or '\r' or '\t')) _at++;
    }

    private readonly FormatException Unexpected(string expected) => new($"expected {expected} at character {_at}");
}

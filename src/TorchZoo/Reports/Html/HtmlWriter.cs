using System.Net;
using System.Text;

namespace TorchZoo.Reports.Html;

/// <summary>Writes HTML that is XML too: every element is closed, every text and attribute escaped, whatever is in it.</summary>
internal sealed class HtmlWriter
{
    private readonly StringBuilder _text = new();

    /// <summary>Opens an element; disposing of the result closes it.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="attributes">Its attributes; those without a value are left out.</param>
    public Scope Open(string name, params ReadOnlySpan<(string Name, string? Value)> attributes)
    {
        Tag(name, attributes);
        _text.Append('>');
        return new Scope(_text, name);
    }

    /// <summary>An element with a text in it.</summary>
    public void Element(string name, string text, params ReadOnlySpan<(string Name, string? Value)> attributes)
    {
        using (Open(name, attributes)) Text(text);
    }

    /// <summary>An element that is always empty, such as <c>img</c>.</summary>
    public void Void(string name, params ReadOnlySpan<(string Name, string? Value)> attributes)
    {
        Tag(name, attributes);
        _text.Append("/>");
    }

    /// <summary>A text.</summary>
    public void Text(string text) => _text.Append(Escape(text));

    /// <summary>What is HTML already.</summary>
    public void Raw(string html) => _text.Append(html);

    /// <inheritdoc/>
    public override string ToString() => _text.ToString();

    /// <summary>A text as it stands in HTML and XML. What no XML may hold (control characters, halves of surrogate pairs) becomes U+FFFD.</summary>
    internal static string Escape(string text) => WebUtility.HtmlEncode(Clean(text));

    /// <summary>A text without what no XML may hold, not yet escaped.</summary>
    internal static string Clean(string text)
    {
        var clean = new StringBuilder(text.Length);
        for (var i = 0; i < text.Length; i++)
        {
            var c = text[i];
            if (char.IsHighSurrogate(c) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1])) clean.Append(c).Append(text[++i]);
            else clean.Append(char.IsSurrogate(c) || c is '\ufffe' or '\uffff' || (c < ' ' && c is not ('\t' or '\n')) ? '\ufffd' : c);
        }
        return clean.ToString();
    }

    private void Tag(string name, ReadOnlySpan<(string Name, string? Value)> attributes)
    {
        _text.Append('<').Append(name);
        foreach (var (attribute, value) in attributes)
            if (value is not null) _text.Append(' ').Append(attribute).Append("=\"").Append(Escape(value)).Append('"');
    }

    /// <summary>An open element.</summary>
    internal readonly struct Scope(StringBuilder text, string name) : IDisposable
    {
        public void Dispose() => text.Append("</").Append(name).Append('>');
    }
}

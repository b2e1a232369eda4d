using System.Globalization;
using System.Text.RegularExpressions;
using static TorchSharp.torch;

namespace TorchZoo.Models.Tests;

/// <summary>Evaluates the table's formulas as they are written, at many points at once: + − * / % ^, comparisons, functions, <c>pair</c>
/// on the outside. For tests only: what the formulas overflow at, this does too.</summary>
internal sealed partial class Formula
{
    private readonly string[] _tokens;
    private readonly Dictionary<string, double[]> _values;
    private readonly int _count;
    private int _next;

    private Formula(string text, Dictionary<string, double[]> values, int count) =>
        (_tokens, _values, _count) = ([.. Token().Matches(text).Select(m => m.Value)], values, count);

    /// <summary>The formula's outputs: one, or a pair.</summary>
    public static double[][] Evaluate(string text, double[] x, IReadOnlyDictionary<string, double> parameters, double[]? y = null)
    {
        var values = parameters.ToDictionary(p => p.Key, p => Enumerable.Repeat(p.Value, x.Length).ToArray());
        (values["x"], values["index"]) = (x, [.. Enumerable.Range(0, x.Length).Select(i => (double)i)]);
        values["pi"] = [.. x.Select(_ => Math.PI)];
        values.TryAdd("e", [.. x.Select(_ => Math.E)]);
        if (y is not null) values["y"] = y;
        var formula = new Formula(text, values, x.Length);
        var result = text.StartsWith("pair(", StringComparison.Ordinal) ? formula.Pair() : [formula.Comparison()];
        if (formula._next != formula._tokens.Length) throw new FormatException($"what comes behind token {formula._next} of {text}?");
        return result;
    }

    private static readonly Dictionary<string, Func<double, double>> Functions = new()
    {
        ["abs"] = Math.Abs,
        ["sign"] = v => Math.Sign(v),
        ["exp"] = Math.Exp,
        ["log"] = Math.Log,
        ["sqrt"] = Math.Sqrt,
        ["sin"] = Math.Sin,
        ["cos"] = Math.Cos,
        ["atan"] = Math.Atan,
        ["tanh"] = Math.Tanh,
        ["sinh"] = Math.Sinh,
        ["cosh"] = Math.Cosh,
        ["asinh"] = Math.Asinh,
        ["sigmoid"] = v => 1 / (1 + Math.Exp(-v)),
        ["softplus"] = v => Math.Max(v, 0) + Math.Log(1 + Math.Exp(-Math.Abs(v))),
        ["relu"] = v => Math.Max(v, 0),
        ["silu"] = v => v / (1 + Math.Exp(-v)),
        ["elu"] = v => v >= 0 ? v : Math.Exp(v) - 1,
        ["sech"] = v => 1 / Math.Cosh(v),
        ["phi"] = v => Math.Exp(-v * v / 2) / Math.Sqrt(2 * Math.PI),
        ["sinc"] = v => v == 0 ? 1 : Math.Sin(v) / v,
    };

    private double[][] Pair()
    {
        _next = 2;
        var first = Comparison();
        Expect(",");
        double[][] pair = [first, Comparison()];
        Expect(")");
        return pair;
    }

    private double[] Comparison()
    {
        var a = Sum();
        while (Peek() is ">=" or "<=" or ">" or "<" or "==")
        {
            var op = _tokens[_next++];
            a = Map(a, Sum(), (p, q) => (op switch { ">=" => p >= q, "<=" => p <= q, ">" => p > q, "<" => p < q, _ => p == q }) ? 1 : 0);
        }
        return a;
    }

    private double[] Sum()
    {
        var a = Product();
        while (Peek() is "+" or "-") a = _tokens[_next++] == "+" ? Map(a, Product(), (p, q) => p + q) : Map(a, Product(), (p, q) => p - q);
        return a;
    }

    private double[] Product()
    {
        var a = Signed();
        while (Peek() is "*" or "/" or "%")
            a = _tokens[_next++] switch
            {
                "*" => Map(a, Signed(), (p, q) => p * q),
                "/" => Map(a, Signed(), (p, q) => p / q),
                _ => Map(a, Signed(), (p, q) => p % q),
            };
        return a;
    }

    private double[] Signed()
    {
        if (Peek() != "-") return Power();
        _next++;
        return [.. Signed().Select(v => -v)];
    }

    private double[] Power()
    {
        var a = Atom();
        if (Peek() != "^") return a;
        _next++;
        return Map(a, Signed(), Math.Pow);
    }

    private double[] Atom()
    {
        var token = _tokens[_next++];
        if (token == "(")
        {
            var inside = Comparison();
            Expect(")");
            return inside;
        }
        if (char.IsAsciiDigit(token[0]))
            return [.. Enumerable.Repeat(double.Parse(token, CultureInfo.InvariantCulture), _count)];
        if (Peek() != "(") return _values[token];
        _next++;
        var arguments = new List<double[]> { Comparison() };
        while (Peek() == ",")
        {
            _next++;
            arguments.Add(Comparison());
        }
        Expect(")");
        return Call(token, arguments);
    }

    private static double[] Call(string name, List<double[]> a) => name switch
    {
        "where" => [.. a[0].Select((c, i) => c != 0 ? a[1][i] : a[2][i])],
        "max" => Map(a[0], a[1], Math.Max),
        "min" => Map(a[0], a[1], Math.Min),
        "clip" => [.. a[0].Select((v, i) => Math.Min(Math.Max(v, a[1][i]), a[2][i]))],
        "sum" => [.. a[0].Select(_ => a[0].Sum())],
        "kmax" => [.. a[0].Select((_, i) => a[0].OrderDescending().ElementAt((int)a[1][i] - 1))],
        "erf" => ByTorch(a[0], t => t.erf()),
        "Gamma" => ByTorch(a[0], t => t.lgamma().exp()),
        "Phi" => ByTorch(a[0], t => (1 + (t / Math.Sqrt(2)).erf()) / 2),
        "gelu" => ByTorch(a[0], t => t * (1 + (t / Math.Sqrt(2)).erf()) / 2),
        _ => [.. a[0].Select(Functions[name])],
    };

    private static double[] ByTorch(double[] values, Func<Tensor, Tensor> function)
    {
        using var scope = NewDisposeScope();
        return [.. function(tensor(values)).data<double>()];
    }

    private static double[] Map(double[] a, double[] b, Func<double, double, double> f) => [.. a.Zip(b, f)];

    private string? Peek() => _next < _tokens.Length ? _tokens[_next] : null;

    private void Expect(string token)
    {
        if (_tokens[_next++] != token) throw new FormatException($"expected {token}, got {_tokens[_next - 1]}");
    }

    [GeneratedRegex(@"\d+\.?\d*([eE][-+]?\d+)?|[A-Za-z_]\w*|>=|<=|==|\S")]
    private static partial Regex Token();
}

using System.Globalization;
using System.Text;
using static TorchSharp.torch;

namespace TorchZoo.Models.Neurons;

/// <summary>A network of known functions as text.</summary>
internal static class KanFormula
{
    public static IReadOnlyList<string> Of(Kan network, int digits)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(digits);
        using var off = no_grad();
        using var scope = NewDisposeScope();
        var config = network.Config;
        Sum[] nodes = [.. Enumerable.Range(1, (int)config.Nodes(0)).Select(i => new Sum(0, [(1, $"x_{i}")]))];
        for (var l = 0; l < network.Layers.Count; l++)
        {
            var symbolic = network.SymbolicLayers[l];
            double[,] curves = Numbers(network.Layers[l].Mask), known = Numbers(symbolic.Mask);
            double[] scale = Row(network.Affine("subnode_scale", l)), bias = Row(network.Affine("subnode_bias", l));
            var subnodes = new Sum[symbolic.OutFeatures];
            for (var j = 0; j < subnodes.Length; j++)
            {
                var sum = new Sum(0, []);
                for (var i = 0; i < nodes.Length; i++)
                {
                    if (curves[i, j] != 0)
                        throw new InvalidOperationException($"the edge from {i} to {j} in layer {l} is a curve: give it a function first, or mask it");
                    if (known[j, i] == 0 || !symbolic.Functions.TryGetValue((i, j), out var function)) continue;
                    var affine = Row(symbolic.Affine[j, i]);
                    sum = sum.Plus(Edge(function, nodes[i].Times(affine[0]).Plus(affine[1]), affine[2], digits).Plus(affine[3]));
                }
                subnodes[j] = sum.Times(scale[j]).Plus(bias[j]);
            }
            var adds = (int)config.Width[l + 1];
            double[] nodeScale = Row(network.Affine("node_scale", l)), nodeBias = Row(network.Affine("node_bias", l));
            nodes = [.. subnodes.Take(adds), .. subnodes.Skip(adds).Chunk(config.MultArity).Select(f => f.Aggregate((a, b) => a.TimesSum(b, digits)))];
            nodes = [.. nodes.Select((n, j) => n.Times(nodeScale[j]).Plus(nodeBias[j]))];
        }
        return [.. nodes.Select(n => n.Text(digits))];
    }

    // c f(argument)
    private static Sum Edge(SymbolicFunction function, Sum argument, double c, int digits)
    {
        if (function.Complexity == 0) return new Sum(0, []);
        if (function.Power == 1) return argument.Times(c);
        var shown = argument.Rounded(digits);
        if (shown.Terms.Count == 0)
        {
            using var scope = NewDisposeScope();
            return new Sum(c * function.Apply(tensor(argument.Constant, ScalarType.Float64)).item<double>(), []);
        }
        // (a t)ⁿ = aⁿ tⁿ.
        if (function.Power != 0 && shown is { Constant: 0, Terms: [var (factor, term)] })
            return new Sum(0, [(c * Math.Pow(factor, function.Power), Bare(function, term))]);
        return new Sum(0, [(c, function.Format(argument.Text(digits)))]);
    }

    private static string Bare(SymbolicFunction function, string term) =>
        term.All(ch => char.IsLetterOrDigit(ch) || ch == '_') ? function.Format(term).Replace($"({term})", term, StringComparison.Ordinal) : function.Format(term);

    private static double[,] Numbers(Tensor matrix)
    {
        var values = Row(matrix.flatten());
        var columns = (int)matrix.shape[1];
        var result = new double[matrix.shape[0], columns];
        for (var i = 0; i < values.Length; i++) result[i / columns, i % columns] = values[i];
        return result;
    }

    private static double[] Row(Tensor row) => row.to(ScalarType.Float64).cpu().data<double>().ToArray();

    /// <summary>constant + Σ factor · text</summary>
    private sealed record Sum(double Constant, IReadOnlyList<(double Factor, string Text)> Terms)
    {
        public Sum Plus(double constant) => this with { Constant = Constant + constant };

        public Sum Plus(Sum other) => new(Constant + other.Constant,
            [.. Terms.Concat(other.Terms).GroupBy(t => t.Text).Select(g => (g.Sum(t => t.Factor), g.Key))]);

        public Sum Times(double factor) => new(Constant * factor, [.. Terms.Select(t => (t.Factor * factor, t.Text))]);

        public Sum TimesSum(Sum other, int digits) => Terms.Count == 0 ? other.Times(Constant) : other.Terms.Count == 0 ? Times(other.Constant)
            : new(0, [(1, $"({Text(digits)})*({other.Text(digits)})")]);

        // Without what is written as 0.
        public Sum Rounded(int digits) => new(Math.Round(Constant, digits), [.. Terms.Where(t => Math.Round(t.Factor, digits) != 0)]);

        public string Text(int digits)
        {
            var rounded = Rounded(digits);
            var text = new StringBuilder();
            foreach (var (factor, term) in rounded.Terms)
            {
                var size = Math.Round(Math.Abs(factor), digits);
                text.Append(text.Length == 0 ? factor < 0 ? "-" : "" : factor < 0 ? " - " : " + ");
                if (size != 1) text.Append(Number(size)).Append('*');
                text.Append(term);
            }
            if (text.Length == 0) return Number(rounded.Constant);
            if (rounded.Constant != 0) text.Append(rounded.Constant < 0 ? " - " : " + ").Append(Number(Math.Abs(rounded.Constant)));
            return text.ToString();

            string Number(double value) => value.ToString(digits == 0 ? "0" : $"0.{new string('#', digits)}", CultureInfo.InvariantCulture);
        }
    }
}

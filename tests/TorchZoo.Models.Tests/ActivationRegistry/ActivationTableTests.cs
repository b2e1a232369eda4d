using System.Globalization;
using System.Text.RegularExpressions;
using NUnit.Framework;
using TorchZoo.Models.Neurons;
using TorchZoo.Testing;
using static TorchSharp.torch;

namespace TorchZoo.Models.Tests;

/// <summary>Each row of the registry against the table: as it is written, its numbers, and its formula.</summary>
public class ActivationTableTests
{
    private const ScalarType Single = ScalarType.Float32, Double = ScalarType.Float64;

    // Documented: no numbers outside [0, 1], and a pole at −1.
    private const string OnlyInUnitInterval = "SBAF", WithPole = "SRReLU";

    private static IEnumerable<string> Names() => ActivationRow.All.Select(r => r.Name);

    [Test]
    public void TheRegistryIsTheTable() => Assert.Multiple(() =>
    {
        Assert.That(ActivationRegistry.Names, Is.EqualTo(Names()));
        Assert.That(ActivationRow.All, Has.Count.EqualTo(420));
        foreach (var row in ActivationRow.All)
        {
            var spec = ActivationRegistry.Get(row.Name);
            Assert.That((spec.Name, spec.Formula, spec.Section, spec.Note), Is.EqualTo((row.Name, row.Formula, row.Section, row.Note)));
            Assert.That(spec.Category.ToString(), Is.EqualTo(row.Category).IgnoreCase, row.Name);
            Assert.That(spec.Kind.ToString(), Is.EqualTo(row.Kind).IgnoreCase, row.Name);
            Assert.That(string.Join("; ", spec.Parameters.Select(p => $"{p.Name} ({p.Role}{(p.IsOurs ? ", ours" : "")})")),
                Is.EqualTo(Regex.Replace(row.Parameters, "=[^ ]+", "")).IgnoreCase, row.Name);
            foreach (var parameter in spec.Parameters)
                Assert.That(parameter.Default, Is.EqualTo(row.Defaults[parameter.Name]).Within(1e-11 * Math.Abs(parameter.Default)));
        }
    });

    [TestCaseSource(nameof(Names)), Category("Golden")]
    public void ValuesAreTheTables(string name)
    {
        using var scope = NewDisposeScope();
        using var off = no_grad();
        var row = ActivationRow.Of(name);
        foreach (var type in new[] { Double, Single })
        {
            Check(new Dictionary<string, double>(), row.Values);
            if (row.Probe.Count > 0) Check(row.Probe, row.ProbeValues);

            void Check(IReadOnlyDictionary<string, double> parameters, double[][] expected)
            {
                var x = tensor(ActivationRow.Points, type);
                using var layer = ActivationRegistry.Create(name, parameters.ToDictionary(), dtype: type);
                layer.eval();
                var y = layer is GatedActivation gated ? gated.forward(x, 1 - x) : Called(layer, x, expected.Length);
                Assert.That(y.dtype, Is.EqualTo(type));
                var tolerance = type == Double ? 1e-10 : name == "TruncatedGaussianUnit" ? 2e-5 : 2e-6;
                AssertClose(y, [.. expected.SelectMany(v => v)], tolerance, type.ToString());
            }
        }

        Tensor Called(nn.Module<Tensor, Tensor> layer, Tensor x, int outputs) => name != OfPairs ? layer.call(x)
            : Neighbours(layer.call, x, 1 - x, outputs);
    }

    // It takes pairs of neighbours, where the table has y = 1 − x; the first outputs of all pairs, then the second ones.
    private const string OfPairs = "OPLU";

    private static Tensor Neighbours(Func<Tensor, Tensor> activation, Tensor x, Tensor y, int outputs) =>
        activation(stack([x, y], 1).reshape(-1)).reshape(-1, outputs).mT.reshape(-1);

    [TestCaseSource(nameof(Names))]
    public void ValuesAreTheFormulas(string name)
    {
        using var scope = NewDisposeScope();
        using var off = no_grad();
        var row = ActivationRow.Of(name);
        foreach (var parameters in row.Probe.Count > 0 ? new[] { row.Defaults, row.Probe } : [row.Defaults])
        {
            double[] x = [.. Enumerable.Range(0, 1001).Select(i => -4 + i * 0.008)];
            if (name == WithPole) x = [.. x.Where(v => Math.Abs(v + 1) > 1e-9)];
            double[]? y = row.Kind == "gated" || name == OfPairs ? [.. x.Select(v => 1 - v)] : null;
            var expected = Formula.Evaluate(row.Formula, x, parameters, y);
            var spec = ActivationRegistry.Get(name);
            var values = name == OfPairs ? Neighbours(v => spec.Evaluate(v, parameters), tensor(x), tensor(y!), expected.Length)
                : spec.Evaluate(tensor(x), parameters, y is null ? null : tensor(y));
            AssertClose(values, [.. expected.SelectMany(v => v)], 1e-10, "formula");
        }
    }

    // Also where branches that aren't taken would overflow or have no number.
    [TestCaseSource(nameof(Names))]
    public void GradientsAreFinite(string name)
    {
        using var scope = NewDisposeScope();
        var spec = ActivationRegistry.Get(name);
        var canTrain = !spec.Parameters.Any(p => p.IsCount);
        foreach (var type in new[] { Single, Double })
            foreach (var training in spec.IsStochastic ? new[] { false, true } : [false])
            {
                double[] points = [-30, -10, -2, -0.5, 0, 0.5, 2, 10, 30, 0];
                if (name == OnlyInUnitInterval) points = [0, 0.25, 0.5, 1];
                var x = tensor(points, type).requires_grad_();
                bool? trainable = spec.Category == ActivationCategory.Fixed && canTrain ? true : null;
                using var layer = ActivationRegistry.Create(name, trainable: trainable, dtype: type, generator: new Generator(1));
                layer.train(training);
                var y = layer.call(x);
                Assert.That(y.isfinite().all().item<bool>(), $"values in {type}: {Text(y)}");
                var gradients = autograd.grad([y.sum()], [x, .. layer.parameters()], allow_unused: true);
                foreach (var (which, gradient) in layer.named_parameters().Select(p => p.name).Prepend("x").Zip(gradients))
                    Assert.That(gradient.IsInvalid || gradient.isfinite().all().item<bool>(),
                        $"by {which} in {type}: {(gradient.IsInvalid ? "" : Text(gradient))}");
            }
    }

    [TestCaseSource(nameof(Names))]
    public void GradientsAreTheDifferences(string name)
    {
        using var scope = NewDisposeScope();
        var spec = ActivationRegistry.Get(name);
        double[] points = name == OnlyInUnitInterval ? [0.1, 0.3, 0.7, 0.9] : [-2.37, -1.13, -0.61, 0.37, 0.83, 1.71, 2.59, -0.17];
        var x = tensor(points);
        bool? trainable = spec.Category == ActivationCategory.Fixed && !spec.Parameters.Any(p => p.IsCount) ? true : null;
        using var layer = ActivationRegistry.Create(name, trainable: trainable, dtype: Double);
        layer.eval();
        GradCheck.Run(inputs => [layer.call(inputs[0]!)], [x]);
        // What values don't depend on has no gradient to ask for.
        using var probe = autograd.grad([layer.call(x.requires_grad_()).sum()], [x, .. layer.parameters()], allow_unused: true)
            .Any(g => g.IsInvalid) ? null : zeros(1);
        if (probe is not null && layer.parameters().Any()) GradCheck.Parameters(layer, () => layer.call(x));
    }

    [Test]
    public void JumpsAreWhereTheyShouldBe()
    {
        using var scope = NewDisposeScope();
        using var off = no_grad();
        var x = linspace(-6, 6, 60_001, Double);
        var jumping = new List<string>();
        foreach (var row in ActivationRow.All.Where(r => r.Kind == "pointwise" && r.Name is not (OnlyInUnitInterval or WithPole)))
        {
            using var inner = NewDisposeScope();
            var y = ActivationRegistry.Get(row.Name).Evaluate(x).data<double>().ToArray();
            for (var i = 1; i + 2 < y.Length; i++)
            {
                double before = Math.Abs(y[i] - y[i - 1]), here = Math.Abs(y[i + 1] - y[i]), after = Math.Abs(y[i + 2] - y[i + 1]);
                if (here <= 5 * Math.Max(before, after) + 1e-3) continue;
                jumping.Add(row.Name);
                break;
            }
        }
        Assert.That(jumping, Is.EquivalentTo(new[]
        {
            "BinaryStep", "RSign", "TRec", "Hardshrink", "SineReLU", "DiffELU", "RSigELU", "RSigELUD", "PTaLU",
        }));
    }

    private static void AssertClose(Tensor actual, double[] expected, double tolerance, string what)
    {
        var values = actual.to(Double).data<double>().ToArray();
        Assert.That(values, Has.Length.EqualTo(expected.Length));
        for (var i = 0; i < expected.Length; i++)
            if (double.IsNaN(expected[i])) Assert.That(values[i], Is.NaN, $"{what}, number {i}");
            else Assert.That(values[i], Is.EqualTo(expected[i]).Within(tolerance * (1 + Math.Abs(expected[i]))), $"{what}, number {i}");
    }

    private static string Text(Tensor values) =>
        string.Join(", ", values.to(Double).data<double>().ToArray().Select(v => v.ToString("G4", CultureInfo.InvariantCulture)));
}

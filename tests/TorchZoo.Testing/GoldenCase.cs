using System.Text.Json.Nodes;
using NUnit.Framework;
using TorchZoo.Checkpoints;
using static TorchSharp.torch;

namespace TorchZoo.Testing;

/// <summary>
/// One golden case: a module's weights, inputs, outputs and gradients as a reference implementation computed them. Load it, make the module
/// from <see cref="Config"/>, then check it.
/// </summary>
public sealed class GoldenCase : IDisposable
{
    private const string ComplexSuffix = "@complex";
    private readonly Dictionary<string, Tensor> _tensors;

    private GoldenCase(string folder, JsonNode description)
    {
        Folder = folder;
        Class = (string?)description["config"]?["class"] ?? "";
        RelativeTolerance = (double)description["rtol"]!;
        AbsoluteTolerance = (double)description["atol"]!;
        var config = (JsonObject)description["config"]!.DeepClone();
        config.Remove("class");
        Config = config.ToJsonString();
        _tensors = [];
        foreach (var (key, stored) in SafetensorsFile.Load(Path.Combine(folder, "tensors.safetensors")))
            if (key.EndsWith(ComplexSuffix, StringComparison.Ordinal))
                _tensors.Add(key[..^ComplexSuffix.Length], stored.view_as_complex());
            else
                _tensors.Add(key, stored);
    }

    /// <summary>Its folder.</summary>
    public string Folder { get; }

    /// <summary>Name of the reference's class.</summary>
    public string Class { get; }

    /// <summary>The constructor arguments of the reference's class (JSON).</summary>
    public string Config { get; }

    /// <summary>Allowed |computed − expected| per |expected|.</summary>
    public double RelativeTolerance { get; }

    /// <summary>Allowed |computed − expected| on top of that.</summary>
    public double AbsoluteTolerance { get; }

    /// <summary>Reads a case's folder.</summary>
    public static GoldenCase Load(string folder)
    {
        using var file = File.OpenRead(Path.Combine(folder, "case.json"));
        return new GoldenCase(folder, JsonNode.Parse(file)!);
    }

    /// <summary>Test data of a family's cases, named <c>family/case</c>.</summary>
    public static IEnumerable<TestCaseData> Of(string family, Func<GoldenCase, bool>? take = null)
    {
        foreach (var folder in Goldens.Cases(family))
        {
            if (take is not null)
            {
                using var golden = Load(folder);
                if (!take(golden)) continue;
            }
            yield return new TestCaseData(folder).SetArgDisplayNames(Goldens.Label(folder));
        }
    }

    /// <summary>The configuration as a record.</summary>
    public TConfig ConfigAs<TConfig>() => (TConfig)ConfigJson.Read(Config, typeof(TConfig));

    /// <summary>The tensors whose keys start with a prefix, without it; <c>""</c> is the tensor whose key is the prefix less its
    /// slash.</summary>
    public Dictionary<string, Tensor> Group(string prefix)
    {
        var group = _tensors.Where(t => t.Key.StartsWith(prefix + "/", StringComparison.Ordinal))
            .ToDictionary(t => t.Key[(prefix.Length + 1)..], t => t.Value);
        if (_tensors.TryGetValue(prefix, out var single)) group.Add("", single);
        return group;
    }

    /// <summary>Checks a module with one input and one output: each <c>input/n</c> gives <c>output/n</c> (or <c>output</c>).</summary>
    public void Check(nn.Module<Tensor, Tensor> module) => Check(module, inputs =>
        inputs.ToDictionary(input => _tensors.ContainsKey($"output/{input.Key}") ? input.Key : "", input => module.forward(input.Value)));

    /// <summary>
    /// Copies the case's weights into a module, computes outputs, and the gradients of Σ output · cotangent with respect to every parameter
    /// and input, and compares all with the case's.
    /// </summary>
    /// <param name="module">The module; its state dict has the keys of the case's weights.</param>
    /// <param name="run">From the inputs by name to the outputs by name (<c>""</c> if the case has but one).</param>
    /// <param name="gradientsAreThere">Whether <paramref name="run"/> made the gradients itself, and the case has no cotangents.</param>
    public void Check(nn.Module module, Func<IReadOnlyDictionary<string, Tensor>, IReadOnlyDictionary<string, Tensor>> run,
        bool gradientsAreThere = false)
    {
        LoadWeights(module);
        module.zero_grad();
        var inputs = Group("input").ToDictionary(i => i.Key, i =>
            _tensors.ContainsKey($"grad_input/{i.Key}") ? i.Value.detach().clone().requires_grad_() : i.Value);
        var outputs = run(inputs);
        var comparison = new Comparison(this);
        foreach (var (name, expected) in Group("output")) comparison.Add(Key("output", name), expected, outputs.GetValueOrDefault(name));

        var cotangents = Group("cotangent");
        if (cotangents.Count > 0)
        {
            // For complex outputs the real part of Σ output · conj(cotangent): the sum over real pairs.
            using var loss = cotangents.Select(c => (outputs[c.Key] * c.Value.conj()).sum()).Aggregate((a, b) => a + b);
            using var real = loss.is_complex() ? loss.real : loss.alias();
            real.backward();
        }
        if (cotangents.Count > 0 || gradientsAreThere)
        {
            var gradients = StateDict.Gradients(module);
            foreach (var (name, expected) in Group("grad")) comparison.Add(Key("grad", name), expected, gradients.GetValueOrDefault(name));
            foreach (var (name, expected) in Group("grad_input")) comparison.Add(Key("grad_input", name), expected, inputs[name].grad);
        }
        comparison.Report();
    }

    private void LoadWeights(nn.Module module)
    {
        using var off = no_grad();
        var weights = Group("param");
        var entries = StateDict.Entries(module).ToDictionary(e => e.Key);
        Assert.That(weights.Keys.Except(entries.Keys), Is.Empty, "keys of the case that the module's state dict lacks");
        Assert.That(entries.Where(e => e.Value.Stored is TorchSharp.Modules.Parameter).Select(e => e.Key).Except(weights.Keys), Is.Empty,
            "parameters of the module that the case lacks");
        foreach (var (key, weight) in weights)
        {
            using var shown = entries[key].Show();
            Assert.That(shown.shape, Is.EqualTo(weight.shape), key);
            shown.copy_(weight);
        }
    }

    private static string Key(string prefix, string name) => name.Length == 0 ? prefix : $"{prefix}/{name}";

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var tensor in _tensors.Values) tensor.Dispose();
    }

    // Collects what differs, so that a failure shows all of it and not the first.
    private sealed class Comparison(GoldenCase golden)
    {
        private readonly List<string> _failures = [];
        private double _worst;
        private string _where = "";

        public void Add(string key, Tensor expected, Tensor? computed)
        {
            if (computed is null)
            {
                _failures.Add($"{key}: not computed");
                return;
            }
            if (!computed.shape.SequenceEqual(expected.shape) || computed.is_complex() != expected.is_complex())
            {
                _failures.Add($"{key}: expected {expected.dtype} [{string.Join(", ", expected.shape)}], "
                    + $"got {computed.dtype} [{string.Join(", ", computed.shape)}]");
                return;
            }
            using var scope = NewDisposeScope();
            using var off = no_grad();
            var e = (expected.is_complex() ? expected.resolve_conj().view_as_real() : expected).to(ScalarType.Float64);
            var c = (computed.is_complex() ? computed.resolve_conj().view_as_real() : computed).to(ScalarType.Float64);
            if (e.numel() == 0) return;
            var share = ((c - e).abs() / (golden.AbsoluteTolerance + golden.RelativeTolerance * e.abs())).flatten();
            var at = share.nan_to_num(double.PositiveInfinity).argmax().item<long>();
            var worst = share[at].item<double>();
            var line = $"{key}[{Index(at, e.shape)}]: expected {e.flatten()[at].item<double>():G9}, "
                + $"got {c.flatten()[at].item<double>():G9} ({worst:G3} × the tolerance)";
            if (!(worst <= 1)) _failures.Add(line);
            if (!(worst <= _worst)) (_worst, _where) = (worst, line);
        }

        public void Report()
        {
            TestContext.Out.WriteLine($"worst: {_where}");
            Assert.That(_failures, Is.Empty, Goldens.Label(golden.Folder));
        }

        private static string Index(long flat, long[] shape)
        {
            var index = new long[shape.Length];
            for (var i = shape.Length - 1; i >= 0; i--) (flat, index[i]) = (flat / shape[i], flat % shape[i]);
            return string.Join(", ", index);
        }
    }
}

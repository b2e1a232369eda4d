using CsCheck;
using NUnit.Framework;
using TorchSharp;
using TorchZoo.Checkpoints;
using TorchZoo.Models.Operators;
using static TorchSharp.torch;

namespace TorchZoo.Models.Tests;

public sealed class SpectralConvTests
{
    private static readonly SpectralTransform[] Ways = [SpectralTransform.Fft, SpectralTransform.Dft];

    [SetUp]
    public void Seed() => random.manual_seed(0);

    private static SpectralConv Double(SpectralConv conv, SpectralTransform how)
    {
        conv.to(ScalarType.Float64);
        conv.Transform = how;
        return conv;
    }

    private static Tensor Sample(params long[] shape) => randn(shape, ScalarType.Float64);

    private static Tensor EverySecond(Tensor t) => t[TensorIndex.Ellipsis, TensorIndex.Slice(step: 2), TensorIndex.Slice(step: 2)];

    private static double Distance(Tensor a, Tensor b) => (a - b).abs().max().item<double>();

    // y_o(x) = b_o + Re Σ_k c_k e^{2πi k·x} Σ_c X_c(k) W_{c,o,k}, summed term by term; the layer's weights by their name in the state dict.
    private static Tensor ClosedForm(SpectralConv conv, Tensor x)
    {
        var state = StateDict.Of(conv);
        var (w, bias) = (state["weight.tensor"], state["bias"]);
        var sizes = x.shape[2..];
        var kept = w.shape[2..].Zip(sizes.Select((s, j) => j == sizes.Length - 1 ? s / 2 + 1 : s), Math.Min).ToArray();
        var points = sizes.Aggregate(1L, (a, b) => a * b);
        var y = (bias + zeros([x.shape[0], w.shape[1], .. sizes], ScalarType.Float64)).contiguous();
        foreach (var mode in Indices(kept))
        {
            var frequency = mode.Select((i, j) => j == kept.Length - 1 ? i : i - kept[j] / 2).ToArray();
            var weight = mode.Select((i, j) => j == kept.Length - 1 ? i : i + (w.shape[j + 2] - kept[j]) / 2)
                .Aggregate(w, (t, i) => t.select(2, i));
            var angle = zeros(sizes, ScalarType.Float64);
            for (var j = 0; j < sizes.Length; j++)
            {
                var shape = sizes.Select((s, i) => i == j ? s : 1).ToArray();
                angle = angle + 2 * Math.PI * frequency[j] * arange(sizes[j], ScalarType.Float64).view(shape) / sizes[j];
            }
            var wave = polar(ones_like(angle), angle);
            var coefficient = (x * wave.conj()).flatten(2).sum(-1) / points;
            var last = frequency[^1];
            var c = last == 0 || 2 * last == sizes[^1] ? 1 : 2;
            var product = matmul(coefficient, weight).view([x.shape[0], w.shape[1], .. sizes.Select(_ => 1L)]);
            y += c * (product * wave).real;
        }
        return y;
    }

    private static IEnumerable<long[]> Indices(long[] sizes) => sizes.Aggregate(
        (IEnumerable<long[]>)[[]], (heads, s) => heads.SelectMany(h => Enumerable.Range(0, (int)s).Select(i => h.Append(i).ToArray())));

    private static IEnumerable<TestCaseData> Grids =>
        from how in Ways
        from grid in new (long[] Sizes, long[] Modes)[]
        {
            ([12], [6]), ([13], [6]), ([12], [5]), ([12], [12]), ([13], [13]), ([7], [20]),
            ([8, 10], [4, 6]), ([9, 11], [4, 5]), ([9, 10], [5, 4]), ([8, 8], [8, 8]), ([7, 9], [7, 9]), ([5, 6], [8, 8]), ([6, 5], [1, 1]),
            ([5, 6, 4], [3, 4, 4]),
        }
        select new TestCaseData(how, grid.Sizes, grid.Modes)
            .SetArgDisplayNames($"{how}", string.Join('x', grid.Sizes), string.Join('x', grid.Modes));

    [TestCaseSource(nameof(Grids))]
    public void It_is_the_closed_form(SpectralTransform how, long[] sizes, long[] modes)
    {
        using var scope = NewDisposeScope();
        using var off = no_grad();
        using var conv = Double(new SpectralConv(3, 2, modes), how);
        var x = Sample([2, 3, .. sizes]);
        Assert.That(Distance(conv.forward(x), ClosedForm(conv, x)), Is.LessThan(1e-12));

        conv.to(ScalarType.Float32);
        var single = conv.forward(x.to(ScalarType.Float32)).to(ScalarType.Float64);
        Assert.That(Distance(single, ClosedForm(Double(conv, how), x)), Is.LessThan(1e-5));
    }

    [Test, Category("Property")]
    public void Both_ways_give_the_same_outputs_and_gradients()
    {
        var grid = Gen.Select(Gen.Int[1, 9], Gen.Int[1, 11], (size, modes) => (Size: (long)size, Modes: (long)modes)).Array[1, 3];
        Gen.Select(grid, Gen.Bool, Gen.Bool, Gen.Int[0, 1000]).Sample((axes, complexData, separable, seed) =>
        {
            using var scope = NewDisposeScope();
            random.manual_seed(seed);
            var channels = separable ? 2 : 3;
            using var conv = new SpectralConv(2, channels, [.. axes.Select(a => a.Modes)], separable: separable, complexData: complexData);
            conv.to(ScalarType.Float64);
            var type = complexData ? ScalarType.ComplexFloat64 : ScalarType.Float64;
            var x = randn([2, 2, .. axes.Select(a => a.Size)], type).requires_grad_();
            var outputs = new Dictionary<SpectralTransform, Tensor[]>();
            foreach (var how in Ways)
            {
                conv.Transform = how;
                conv.zero_grad();
                if (x.grad is { } old) old.zero_();
                var y = conv.forward(x);
                random.manual_seed(seed + 1);
                (y * randn_like(y)).sum().abs().backward();
                outputs[how] = [y, x.grad!.clone(), .. StateDict.Gradients(conv).Values.Select(g => g.clone())];
            }
            return outputs[SpectralTransform.Fft].Zip(outputs[SpectralTransform.Dft]).All(p => Distance(p.First, p.Second) < 1e-10);
        }, iter: 60, threads: 1);
    }

    [Test]
    public void Gradients_are_those_of_finite_differences([ValueSource(nameof(Ways))] SpectralTransform how, [Values] bool complexData)
    {
        using var scope = NewDisposeScope();
        using var conv = Double(new SpectralConv(2, 2, [3, 4], complexData: complexData), how);
        var type = complexData ? ScalarType.ComplexFloat64 : ScalarType.Float64;
        var x = randn([1, 2, 4, 6], type).requires_grad_();
        var cotangent = randn([1, 2, 4, 6], type);
        Tensor Loss() => complexData ? (conv.forward(x) * cotangent).sum().real.square() : (conv.forward(x) * cotangent).sum().square();
        Loss().backward();
        foreach (var leaf in conv.parameters().Append(x))
        {
            var gradient = (leaf.is_complex() ? leaf.grad!.view_as_real() : leaf.grad!).flatten();
            using var off = no_grad();
            var values = (leaf.is_complex() ? leaf.view_as_real() : leaf).view(-1);
            const double h = 1e-5;
            for (var i = 0; i < values.numel(); i++)
            {
                var value = values[i].item<double>();
                values[i] = value + h;
                var up = Loss().item<double>();
                values[i] = value - h;
                var down = Loss().item<double>();
                values[i] = value;
                Assert.That(gradient[i].item<double>(), Is.EqualTo((up - down) / (2 * h)).Within(1e-6));
            }
        }
    }

    [Test]
    public void Gradients_can_be_differentiated_again([ValueSource(nameof(Ways))] SpectralTransform how)
    {
        using var scope = NewDisposeScope();
        using var conv = Double(new SpectralConv(1, 1, [4]), how);
        var x = Sample(1, 1, 8).requires_grad_();
        var first = autograd.grad([conv.forward(x).pow(3).sum()], [x], retain_graph: true, create_graph: true)[0];
        var second = autograd.grad([first.square().sum()], [x])[0];
        const double h = 1e-5;
        for (var i = 0; i < 8; i++)
        {
            double At(double step)
            {
                var moved = x.detach().clone();
                moved[0, 0, i] += step;
                moved.requires_grad_();
                return autograd.grad([conv.forward(moved).pow(3).sum()], [moved])[0].square().sum().item<double>();
            }
            Assert.That(second[0, 0, i].item<double>(), Is.EqualTo((At(h) - At(-h)) / (2 * h)).Within(1e-5));
        }
    }

    [Test]
    public void It_doesnt_depend_on_the_resolution([ValueSource(nameof(Ways))] SpectralTransform how)
    {
        using var scope = NewDisposeScope();
        using var off = no_grad();
        using var conv = Double(new SpectralConv(2, 2, [6, 6]), how);
        // Frequencies up to 2 in both directions: all kept.
        Tensor Field(long s)
        {
            var (i, j) = (arange(s, ScalarType.Float64).view(-1, 1) / s, arange(s, ScalarType.Float64).view(1, -1) / s);
            var u = (2 * Math.PI * (i + 2 * j)).sin() + (2 * Math.PI * (2 * i - j)).cos();
            return stack([u, u.square() * 0.1], 0).unsqueeze(0);
        }
        var coarse = conv.forward(Field(16));
        var fine = conv.forward(Field(32));
        Assert.That(Distance(EverySecond(fine), coarse), Is.LessThan(1e-6));
    }

    [Test]
    public void A_finer_output_has_the_same_values_on_common_points([ValueSource(nameof(Ways))] SpectralTransform how)
    {
        using var scope = NewDisposeScope();
        using var off = no_grad();
        using var conv = Double(new SpectralConv(2, 3, [4, 5]), how);
        var x = Sample(2, 2, 8, 10);
        var fine = conv.Forward(x, [16, 20]);
        Assert.That(Distance(EverySecond(fine), conv.forward(x)), Is.LessThan(1e-6));
    }

    [Test]
    public void Fewer_modes_use_the_weights_around_frequency_0([ValueSource(nameof(Ways))] SpectralTransform how)
    {
        using var scope = NewDisposeScope();
        using var off = no_grad();
        using var conv = Double(new SpectralConv(2, 2, [6, 8]), how);
        using var small = Double(new SpectralConv(2, 2, [4, 4]), how);
        var (big, slice) = (StateDict.Of(conv), StateDict.Of(small));
        slice["weight.tensor"].copy_(big["weight.tensor"][TensorIndex.Colon, TensorIndex.Colon, 1..5, 0..3]);
        slice["bias"].copy_(big["bias"]);
        var x = Sample(1, 2, 12, 12);
        conv.NModes = [4, 4];
        Assert.That(Distance(conv.forward(x), small.forward(x)), Is.LessThan(1e-12));
        Assert.That(() => conv.NModes = [8, 8], Throws.ArgumentException);
        conv.NModes = [6, 8];
        Assert.That(conv.NModes, Is.EqualTo(new long[] { 6, 8 }));
    }

    [Test]
    public void Weights_start_with_the_stated_variance()
    {
        using var scope = NewDisposeScope();
        using var conv = new SpectralConv(32, 32, [12, 12]);
        var pairs = StateDict.Of(conv)["weight.tensor"].view_as_real();
        var power = pairs.square().sum(-1).mean().item<float>();
        Assert.That(power, Is.EqualTo(2.0 / 64).Within(3).Percent);
        var (re, im) = (pairs.select(-1, 0).std().item<float>(), pairs.select(-1, 1).std().item<float>());
        Assert.That(re, Is.EqualTo(im).Within(3).Percent);
    }

    [Test]
    public void The_state_dict_shows_the_references_names_and_shares_memory()
    {
        using var scope = NewDisposeScope();
        using var conv = new SpectralConv(3, 2, [4, 6]);
        var state = conv.state_dict();
        Assert.That(state.Keys, Is.EqualTo(new[] { "bias", "weight.tensor" }));
        Assert.That(state["weight.tensor"].shape, Is.EqualTo(new long[] { 3, 2, 4, 4 }));
        Assert.That(state["weight.tensor"].dtype, Is.EqualTo(ScalarType.ComplexFloat32));
        using var off = no_grad();
        state["weight.tensor"].zero_();
        Assert.That(conv.parameters().Single(p => p.dim() > 3).abs().max().item<float>(), Is.Zero);
    }

    // Of 16·16·8·8 = 16384: TensorLy's ranks (12, 12, 6, 6), 102 and (17, 13, 9) for a share of 0.3.
    [TestCase("tucker", "weight.core", (12 * 12 * 6 * 6) + (2 * 16 * 12) + (2 * 8 * 6))]
    [TestCase("cp", "weight.weights", 102 * (1 + 16 + 16 + 8 + 8))]
    [TestCase("tt", "weight.factors.factor_3", (16 * 17) + (17 * 16 * 13) + (13 * 8 * 9) + (9 * 8))]
    public void Factorised_weights_are_a_share_of_the_dense_ones(string factorization, string key, long count)
    {
        using var scope = NewDisposeScope();
        using var conv = new SpectralConv(16, 16, [8, 14], factorization: factorization, rank: 0.3);
        var state = conv.state_dict();
        Assert.That(state, Contains.Key(key));
        Assert.That(state["weight.factors.factor_0"].is_complex());
        Assert.That(state.Where(s => s.Key != "bias").Sum(s => s.Value.numel()), Is.EqualTo(count));
        Assert.That(conv.forward(randn(2, 16, 12, 20)).shape, Is.EqualTo(new long[] { 2, 16, 12, 20 }));
    }

    [Test]
    public void Half_precision_rounds([Values(SpectralPrecision.Half, SpectralPrecision.Mixed)] SpectralPrecision precision)
    {
        using var scope = NewDisposeScope();
        using var full = new SpectralConv(4, 4, [8, 8]);
        using var rounded = new SpectralConv(4, 4, [8, 8], precision: precision);
        rounded.load_state_dict(full.state_dict());
        var x = randn(2, 4, 16, 16).requires_grad_();
        var difference = (full.forward(x) - rounded.forward(x)).abs().max().item<float>();
        Assert.That(difference, Is.GreaterThan(0).And.LessThan(5e-3));
        rounded.forward(x).sum().backward();
        Assert.That(x.grad!.isfinite().all().item<bool>());
    }

    [Test]
    public void It_leaves_no_tensors_behind([ValueSource(nameof(Ways))] SpectralTransform how)
    {
        using var conv = new SpectralConv(2, 2, [4, 4]) { Transform = how };
        using var x = randn(1, 2, 8, 8);
        void Step()
        {
            using var scope = NewDisposeScope();
            conv.forward(x).sum().backward();
        }
        Step();
        var before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        for (var i = 0; i < 5; i++) Step();
        Assert.That(DisposeScopeManager.Statistics.ThreadTotalLiveCount, Is.EqualTo(before));
    }

    [Test]
    public void An_empty_batch_stays_empty([ValueSource(nameof(Ways))] SpectralTransform how)
    {
        using var scope = NewDisposeScope();
        using var conv = new SpectralConv(2, 3, [4, 4]) { Transform = how };
        Assert.That(conv.forward(randn(0, 2, 8, 8)).shape, Is.EqualTo(new long[] { 0, 3, 8, 8 }));
    }

    [Test]
    public void Bad_input_is_refused()
    {
        using var scope = NewDisposeScope();
        using var conv = new SpectralConv(2, 3, [4, 4]);
        Assert.Multiple(() =>
        {
            Assert.That(() => conv.forward(randn(1, 3, 8, 8)), Throws.ArgumentException.With.Property("ParamName").EqualTo("x"));
            Assert.That(() => conv.forward(randn(1, 2, 8)), Throws.ArgumentException);
            Assert.That(() => conv.forward(randn(1, 2, 8, 8).to(ScalarType.ComplexFloat32)), Throws.ArgumentException);
            Assert.That(() => conv.Forward(randn(1, 2, 8, 8), [8]), Throws.ArgumentException);
            Assert.That(() => conv.Forward(randn(1, 2, 8, 8), [8, 0]), Throws.ArgumentException);
            Assert.That(() => new SpectralConv(2, 3, [4, 0]), Throws.ArgumentException);
            Assert.That(() => new SpectralConv(2, 3, []), Throws.ArgumentException);
            Assert.That(() => new SpectralConv(0, 3, [4]), Throws.ArgumentException);
            Assert.That(() => new SpectralConv(2, 3, [4], separable: true), Throws.ArgumentException);
            Assert.That(() => new SpectralConv(2, 2, [4], factorization: "svd"), Throws.ArgumentException.With.Message.Contains("tucker"));
            Assert.That(() => new SpectralConv(2, 2, [8], maxNModes: [4]), Throws.ArgumentException);
        });
    }
}

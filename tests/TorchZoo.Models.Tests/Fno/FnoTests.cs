using NUnit.Framework;
using TorchSharp;
using TorchZoo.Models.Operators;
using static TorchSharp.torch;

namespace TorchZoo.Models.Tests;

public sealed class FnoTests
{
    [SetUp]
    public void Seed() => random.manual_seed(0);

    private static FnoConfig Config(params long[] modes) => new() { NModes = modes, InChannels = 1, OutChannels = 1, HiddenChannels = 16 };

    private static double Distance(Tensor a, Tensor b) => (a - b).abs().max().to(ScalarType.Float64).item<double>();

    private static IEnumerable<TestCaseData> Counts =>
    [
        new(new long[] { 16 }, 64, 198_209),
        new(new long[] { 12, 12 }, 32, 357_217),
        new(new long[] { 8, 8, 8 }, 20, 517_381),
        new(new long[] { 32 }, 32, 82_721),
    ];

    [TestCaseSource(nameof(Counts))]
    public void Parameters_are_as_many_as_in_the_reference(long[] modes, int width, int count)
    {
        using var scope = NewDisposeScope();
        using var model = new Fno(Config(modes) with { HiddenChannels = width });
        Assert.That(model.state_dict().Values.Sum(t => t.numel()), Is.EqualTo(count));
    }

    [Test]
    public void The_state_dict_has_the_references_keys_in_its_order()
    {
        using var scope = NewDisposeScope();
        using var model = new Fno(Config(4, 4) with { NLayers = 1, Norm = "batch_norm" });
        Assert.That(model.state_dict().Keys, Is.EqualTo(new[]
        {
            "fno_blocks.convs.0.bias", "fno_blocks.convs.0.weight.tensor", "fno_blocks.fno_skips.0.conv.weight",
            "fno_blocks.channel_mlp.0.fcs.0.weight", "fno_blocks.channel_mlp.0.fcs.0.bias",
            "fno_blocks.channel_mlp.0.fcs.1.weight", "fno_blocks.channel_mlp.0.fcs.1.bias", "fno_blocks.channel_mlp_skips.0.weight",
            "fno_blocks.norm.0.norm.weight", "fno_blocks.norm.0.norm.bias", "fno_blocks.norm.0.norm.running_mean",
            "fno_blocks.norm.0.norm.running_var", "fno_blocks.norm.0.norm.num_batches_tracked",
            "fno_blocks.norm.1.norm.weight", "fno_blocks.norm.1.norm.bias", "fno_blocks.norm.1.norm.running_mean",
            "fno_blocks.norm.1.norm.running_var", "fno_blocks.norm.1.norm.num_batches_tracked",
            "lifting.fcs.0.weight", "lifting.fcs.0.bias", "lifting.fcs.1.weight", "lifting.fcs.1.bias",
            "projection.fcs.0.weight", "projection.fcs.0.bias", "projection.fcs.1.weight", "projection.fcs.1.bias",
        }));
    }

    [Test]
    public void The_difference_between_resolutions_falls_with_the_resolution()
    {
        using var scope = NewDisposeScope();
        using var off = no_grad();
        using var model = new Fno(Config(8) with { HiddenChannels = 32 });
        Tensor Field(long s) => (2 * Math.PI * arange(s, ScalarType.Float32) / s).sin().exp().view(1, 1, -1);
        var differences = new List<double>();
        for (var s = 16L; s <= 64; s *= 2)
        {
            var (coarse, fine) = (model.forward(Field(s)), model.forward(Field(2 * s)));
            differences.Add(((fine[TensorIndex.Ellipsis, TensorIndex.Slice(step: 2)] - coarse).norm() / coarse.norm()).item<float>());
        }
        Assert.That(differences[0], Is.LessThan(2e-3));
        Assert.That(differences, Is.Ordered.Descending);
    }

    [Test]
    public void Without_coordinates_it_commutes_with_shifts()
    {
        using var scope = NewDisposeScope();
        using var off = no_grad();
        using var model = new Fno(Config(6, 6) with { PositionalEmbedding = null });
        var x = randn(1, 1, 16, 12);
        Assert.That(Distance(model.forward(x.roll([3, 5], [2, 3])), model.forward(x).roll([3, 5], [2, 3])), Is.LessThan(1e-6));
    }

    [Test]
    public void The_last_layer_can_change_the_resolution([Values(1, 2, 3)] int axes)
    {
        using var scope = NewDisposeScope();
        using var off = no_grad();
        using var model = new Fno(Config([.. Enumerable.Repeat(4L, axes)]) with { NLayers = 2 });
        long[] sizes = [.. new long[] { 9, 8, 6 }.Take(axes)];
        long[] target = [.. sizes.Select(s => 2 * s)];
        Assert.That(model.Forward(randn([2, 1, .. sizes]), target).shape, Is.EqualTo((long[])[2, 1, .. target]));
    }

    [Test]
    public void Resampling_keeps_band_limited_functions([Values(5, 6, 7, 8, 12)] int from, [Values(5, 7, 8, 11)] int to)
    {
        using var scope = NewDisposeScope();
        // Frequencies −2 … 2 (of an even grid of 5 points and more none is Nyquist).
        static Tensor Field(long s)
        {
            var t = 2 * Math.PI * arange(s, ScalarType.Float64) / s;
            var u = (2 * t).sin() + t.cos() * 0.5 + 1;
            return (u.view(-1, 1, 1) * u.view(1, -1, 1) + (t.view(1, -1, 1) - 2 * t.view(1, 1, -1)).cos()).view(1, 1, s, s, s);
        }
        Assert.That(Distance(Resampling.Resample(Field(from), [to, to, to]), Field(to)), Is.LessThan(1e-12));
    }

    [Test]
    public void Padding_across_resolutions_is_cropped_in_proportion()
    {
        using var scope = NewDisposeScope();
        using var off = no_grad();
        var config = Config(4, 4) with { NLayers = 2, DomainPadding = [0.25], ResolutionScalingFactor = new double[] { 2, 1 } };
        using var model = new Fno(config);
        Assert.That(model.forward(randn(1, 1, 8, 12)).shape, Is.EqualTo(new long[] { 1, 1, 16, 24 }));
    }

    [Test]
    public void Modes_can_be_lowered_and_raised()
    {
        using var scope = NewDisposeScope();
        using var off = no_grad();
        using var model = new Fno(Config(8, 8));
        var x = randn(1, 1, 16, 16);
        var all = model.forward(x);
        model.NModes = [4, 4];
        Assert.That(Distance(model.forward(x), all), Is.GreaterThan(1e-6));
        model.NModes = [8, 8];
        Assert.That(Distance(model.forward(x), all), Is.Zero);
        Assert.That(() => model.NModes = [10, 8], Throws.ArgumentException);
    }

    [Test]
    public void Dropout_acts_while_training_only()
    {
        using var scope = NewDisposeScope();
        using var off = no_grad();
        using var model = new Fno(Config(4) with { ChannelMlpDropout = 0.5 });
        var x = randn(1, 1, 16);
        Assert.That(Distance(model.forward(x), model.forward(x)), Is.GreaterThan(0));
        model.eval();
        Assert.That(Distance(model.forward(x), model.forward(x)), Is.Zero);
    }

    [Test]
    public void Adaptive_normalisation_follows_its_embedding([Values] bool complexData)
    {
        using var scope = NewDisposeScope();
        using var off = no_grad();
        using var model = new Fno(Config(4) with { Norm = "ada_in", AdaInFeatures = 3, ComplexData = complexData });
        var x = randn([2, 1, 16], complexData ? ScalarType.ComplexFloat32 : ScalarType.Float32);
        Assert.That(() => model.forward(x), Throws.InvalidOperationException);
        model.Blocks.SetAdaInEmbeddings(tensor(new float[] { 1, 2, 3 }));
        var first = model.forward(x);
        model.Blocks.SetAdaInEmbeddings(tensor(new float[] { -1, 0, 3 }));
        Assert.That(Distance(model.forward(x), first), Is.GreaterThan(1e-3));
        Assert.That(() => model.Blocks.SetAdaInEmbeddings(ones(4)), Throws.ArgumentException);
    }

    [Test]
    public void Types_and_devices_convert_as_one()
    {
        using var scope = NewDisposeScope();
        using var off = no_grad();
        using var model = new Fno(Config(4, 4));
        var x = randn(1, 1, 8, 8);
        var single = model.forward(x);
        model.to(ScalarType.Float64);
        var y = model.forward(x.to(ScalarType.Float64));
        Assert.That(y.dtype, Is.EqualTo(ScalarType.Float64));
        Assert.That(Distance(y, single), Is.LessThan(1e-5));
        Assert.That(model.state_dict()["fno_blocks.convs.0.weight.tensor"].dtype, Is.EqualTo(ScalarType.ComplexFloat64));
    }

    [Test]
    public void The_configuration_survives_json()
    {
        var config = Config(4, 6) with
        {
            DomainPadding = [0.1, 0.2],
            ResolutionScalingFactor = new([[1.0, 2.0], [1.0, 0.5]]),
            NLayers = 2,
            MaxNModes = [6, 6],
            Norm = "group_norm",
            FnoBlockPrecision = SpectralPrecision.Mixed,
            FnoSkip = null,
        };
        var text = ConfigJson.Write(config);
        Assert.That(ConfigJson.Write(ConfigJson.Read(text, typeof(FnoConfig))), Is.EqualTo(text));
        Assert.That(text, Does.Contain("\"n_modes\":[4,6]").And.Contain("\"resolution_scaling_factor\":[[1,2],[1,0.5]]")
            .And.Contain("\"domain_padding\":[0.1,0.2]").And.Contain("\"fno_block_precision\":\"mixed\""));
    }

    [Test]
    public void The_registry_knows_both_networks_and_the_paper()
    {
        Assert.That(Zoo.ModelNames(), Is.SupersetOf(new[] { "fno", "fno-classic" }));
        var paper = Zoo.Find("fno");
        Assert.That(paper.Family, Is.EqualTo("Operators"));
        using var model = Zoo.CreateFromJson(
            "fno", """{"n_modes":[4],"in_channels":1,"out_channels":1,"hidden_channels":8,"domain_padding":0.1}""");
        Assert.That(model, Is.TypeOf<Fno>());
    }

    private static IEnumerable<TestCaseData> BadConfigs()
    {
        var good = Config(4, 4);
        yield return Bad("NModes", good with { NModes = [] });
        yield return Bad("nModes", good with { NModes = [4, 0] });
        yield return Bad("InChannels", good with { InChannels = 0 });
        yield return Bad("NLayers", good with { NLayers = 0 });
        yield return Bad("Norm", good with { Norm = "layer_norm" });
        yield return Bad("NormGroups", good with { Norm = "group_norm", NormGroups = 3 });
        yield return Bad("AdaInFeatures", good with { Norm = "ada_in" });
        yield return Bad("FnoSkip", good with { FnoSkip = "dense" });
        yield return Bad("ChannelMlpSkip", good with { ChannelMlpSkip = "dense" });
        yield return Bad("NonLinearity", good with { NonLinearity = "gleu" });
        yield return Bad("PositionalEmbedding", good with { PositionalEmbedding = "sine" });
        yield return Bad("Stabilizer", good with { Stabilizer = "sigmoid" });
        yield return Bad("factorization", good with { Factorization = "svd" });
        yield return Bad("DomainPadding", good with { DomainPadding = [0.1, 0.1, 0.1] });
        yield return Bad("DomainPadding", good with { DomainPadding = [-0.1] });
        yield return Bad("ResolutionScalingFactor", good with { ResolutionScalingFactor = new double[] { 1, 2 } });
        yield return Bad("ResolutionScalingFactor", good with { ResolutionScalingFactor = 0 });
        yield return Bad("ConvBiasKernel", good with { ConvBiasKernel = 3, FnoSkip = "identity" });
        yield return Bad("ChannelMlpDropout", good with { ChannelMlpDropout = 1.5 });
        yield return Bad("LiftingChannelRatio", good with { LiftingChannelRatio = 0 });
        yield return Bad("nModes", good with { MaxNModes = [2, 2] });

        static TestCaseData Bad(string parameter, FnoConfig config) => new TestCaseData(parameter, config).SetArgDisplayNames(parameter);
    }

    [TestCaseSource(nameof(BadConfigs))]
    public void A_bad_configuration_is_refused(string parameter, FnoConfig config) =>
        Assert.That(() => new Fno(config), Throws.ArgumentException.With.Property("ParamName").EqualTo(parameter));

    [Test]
    public void Bad_input_is_refused()
    {
        using var scope = NewDisposeScope();
        using var model = new Fno(Config(4, 4));
        Assert.That(() => model.forward(randn(1, 2, 8, 8)), Throws.ArgumentException.With.Message.Contains("1 channels"));
        Assert.That(() => model.forward(randn(1, 1, 8)), Throws.ArgumentException);
        Assert.That(() => model.Forward(randn(1, 1, 8, 8), [4]), Throws.ArgumentException);
    }

    [Test]
    public void A_training_step_leaves_no_tensors_behind()
    {
        using var model = new Fno(Config(4, 4));
        using var x = randn(2, 1, 8, 8);
        void Step()
        {
            using var scope = NewDisposeScope();
            model.forward(x).square().mean().backward();
        }
        Step();
        var before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        for (var i = 0; i < 3; i++) Step();
        Assert.That(DisposeScopeManager.Statistics.ThreadTotalLiveCount, Is.EqualTo(before));
    }
}

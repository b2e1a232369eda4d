using NUnit.Framework;
using TorchSharp;
using TorchZoo.Checkpoints;
using TorchZoo.Models.Operators;
using static TorchSharp.torch;

namespace TorchZoo.Models.Tests;

public sealed class DeepONetTests
{
    private static readonly DeepONetConfig Plain = new() { LayerSizesBranch = [5, 8, 6], LayerSizesTrunk = [2, 8, 6], Activation = "tanh" };

    private static readonly DeepONetConfig[] Kinds =
    [
        Plain,
        Plain with { UseBias = false, Activation = new("relu", "gelu") },
        Plain with { Stacked = true },
        Plain with { NumOutputs = 3 },
        Plain with { NumOutputs = 3, Stacked = true, MultiOutputStrategy = MultiOutputStrategy.Independent },
        Plain with { NumOutputs = 3, MultiOutputStrategy = MultiOutputStrategy.SplitBoth },
        Plain with { NumOutputs = 2, MultiOutputStrategy = MultiOutputStrategy.SplitBranch, LayerSizesTrunk = [2, 8, 3] },
        Plain with { NumOutputs = 2, MultiOutputStrategy = MultiOutputStrategy.SplitTrunk, LayerSizesTrunk = [2, 8, 12] },
        Plain with { TrunkFeatures = FourierFeatures.Periodic(2, 2), LayerSizesTrunk = [8, 8, 6] },
        Plain with { TrunkFeatures = FourierFeatures.Random(2, 5, 1.5, seed: 3), LayerSizesTrunk = [10, 8, 6], NumOutputs = 2 },
    ];

    private DisposeScope _scope = null!;

    [SetUp]
    public void Seed()
    {
        _scope = NewDisposeScope();
        random.manual_seed(0);
    }

    [TearDown]
    public void End() => _scope.Dispose();

    private static Tensor Sample(params long[] shape) => randn(shape, ScalarType.Float64);

    private static double Distance(Tensor a, Tensor b)
    {
        Assert.That(a.shape, Is.EqualTo(b.shape));
        return a.numel() == 0 ? 0 : (a - b).abs().max().item<double>();
    }

    // Float64, and no parameter at the zero that it starts from.
    private static TNet Ready<TNet>(TNet net) where TNet : nn.Module
    {
        net.to(ScalarType.Float64);
        using var off = no_grad();
        foreach (var p in net.parameters()) p.add_(randn_like(p) * 0.3);
        return net;
    }

    [Test]
    public void At_every_point_of_every_function_it_is_the_aligned_form(
        [ValueSource(nameof(Kinds))] DeepONetConfig config, [Values(0, 1, 4)] long functions, [Values(0, 1, 7)] long points)
    {
        var aligned = Ready(new DeepONet(config));
        var cartesian = new DeepONetCartesianProd(config);
        cartesian.to(ScalarType.Float64);
        StateDict.Load(cartesian, StateDict.Of(aligned));
        Tensor u = Sample(functions, 5), y = Sample(points, 2);

        var rows = aligned.call(u.repeat_interleave(points, dim: 0), y.repeat(functions, 1));
        Assert.That(rows.shape, Is.EqualTo(new long[] { functions * points, config.NumOutputs }));
        var expected = config.NumOutputs == 1 ? rows.reshape(functions, points) : rows.reshape(functions, points, config.NumOutputs);
        Assert.That(Distance(cartesian.call(u, y), expected), Is.LessThan(1e-12));
    }

    [Test]
    public void In_single_precision_the_two_forms_agree_to_its_rounding()
    {
        var aligned = new DeepONet(new() { LayerSizesBranch = [100, 40, 40], LayerSizesTrunk = [1, 40, 40] });
        var cartesian = new DeepONetCartesianProd(aligned.Config);
        StateDict.Load(cartesian, StateDict.Of(aligned));
        Tensor u = randn(20, 100), y = rand(30, 1);
        var expected = aligned.call(u.repeat_interleave(30, dim: 0), y.repeat(20, 1)).reshape(20, 30);
        Assert.That((cartesian.call(u, y) - expected).abs().max().item<float>() / expected.abs().max().item<float>(), Is.LessThan(1e-6));
    }

    [Test]
    public void The_output_is_branch_times_trunk_plus_b()
    {
        var model = Ready(new DeepONetCartesianProd(Plain));
        Tensor u = Sample(4, 5), y = Sample(7, 2);
        var state = StateDict.Of(model);
        // The two nets written out: no activation after the branch's last layer, one after the trunk's.
        var branch = (u.mm(state["branch.linears.0.weight"].t()) + state["branch.linears.0.bias"]).tanh()
            .mm(state["branch.linears.1.weight"].t()) + state["branch.linears.1.bias"];
        var trunk = ((y.mm(state["trunk.linears.0.weight"].t()) + state["trunk.linears.0.bias"]).tanh()
            .mm(state["trunk.linears.1.weight"].t()) + state["trunk.linears.1.bias"]).tanh();
        Assert.Multiple(() =>
        {
            Assert.That(Distance(model.Encode(u).squeeze(1), branch), Is.LessThan(1e-14));
            Assert.That(Distance(model.Basis(y).squeeze(1), trunk), Is.LessThan(1e-14));
            Assert.That(Distance(model.call(u, y) - state["b.0"], branch.mm(trunk.t())), Is.LessThan(1e-14));
            Assert.That(model.Combine(model.Encode(u), model.Basis(y)).Equals(model.call(u, y)), Is.True);
        });
    }

    [Test]
    public void With_a_linear_branch_without_bias_the_operator_is_linear([Values] bool stacked)
    {
        var model = Ready(new DeepONetCartesianProd(Plain with { Stacked = stacked, UseBias = false, LayerSizesBranch = [5, 6] }));
        Tensor u = Sample(4, 5), v = Sample(4, 5), y = Sample(7, 2);
        Assert.That(Distance(model.call(2 * u - 3 * v, y), 2 * model.call(u, y) - 3 * model.call(v, y)), Is.LessThan(1e-12));
    }

    [Test]
    public void A_relu_trunk_is_not_negative_and_its_branch_has_both_signs()
    {
        var model = new DeepONetCartesianProd(Plain with { Activation = "relu" });
        var (branch, trunk) = (model.Encode(randn(50, 5)), model.Basis(randn(50, 2)));
        Assert.Multiple(() =>
        {
            Assert.That(trunk.min().item<float>(), Is.Zero);
            Assert.That(trunk.max().item<float>(), Is.Positive);
            Assert.That(branch.min().item<float>(), Is.Negative);
            Assert.That(branch.max().item<float>(), Is.Positive);
        });
    }

    [TestCase(1), TestCase(6)]
    public void A_stacked_branch_is_separate_nets_side_by_side(long p)
    {
        var stacked = Ready(new StackedBranchNet(new() { LayerSizes = [5, 8, 3, p], Activation = "sin" }));
        var state = StateDict.Of(stacked);
        var u = Sample(4, 5);
        var separate = Enumerable.Range(0, (int)p).Select(k =>
        {
            var net = new FullyConnectedNet(new() { LayerSizes = [5, 8, 3, 1], Activation = "sin" });
            net.to(ScalarType.Float64);
            StateDict.Load(net, state.ToDictionary(s => s.Key, s => s.Value[k] is { Dimensions: 2 } weight ? weight.t() : s.Value[k]));
            return net.call(u);
        });
        Assert.That(Distance(stacked.call(u), cat([.. separate], 1)), Is.LessThan(1e-13));
    }

    [Test]
    public void With_several_outputs_each_is_the_single_output_net_of_its_slices(
        [Values(MultiOutputStrategy.None, MultiOutputStrategy.Independent, MultiOutputStrategy.SplitBoth, MultiOutputStrategy.SplitBranch,
            MultiOutputStrategy.SplitTrunk)] MultiOutputStrategy strategy,
        [Values] bool cartesian)
    {
        const int n = 3, p = 4;
        var (cutBranch, cutTrunk) = (strategy is MultiOutputStrategy.SplitBoth or MultiOutputStrategy.SplitBranch,
            strategy is MultiOutputStrategy.SplitBoth or MultiOutputStrategy.SplitTrunk);
        var config = Plain with
        {
            NumOutputs = n,
            MultiOutputStrategy = strategy,
            LayerSizesBranch = [5, 8, cutBranch ? n * p : p],
            LayerSizesTrunk = [2, 8, cutTrunk ? n * p : p],
        };
        Func<DeepONetConfig, BranchTrunkNet> make = cartesian ? c => new DeepONetCartesianProd(c) : c => new DeepONet(c);
        var all = Ready(make(config));
        var state = StateDict.Of(all);
        Tensor u = Sample(6, 5), y = Sample(6, 2);
        var outputs = all.call(u, y);
        Assert.That(outputs.shape, Is.EqualTo(cartesian ? new long[] { 6, 6, n } : [6, n]));
        for (var k = 0; k < n; k++)
        {
            var one = make(Plain with { LayerSizesBranch = [5, 8, p], LayerSizesTrunk = [2, 8, p] });
            one.to(ScalarType.Float64);
            StateDict.Load(one, StateDict.Of(one).Keys.ToDictionary(key => key, key => Slice(key, k)));
            var alone = cartesian ? one.call(u, y) : one.call(u, y).squeeze(1);
            Assert.That(Distance(outputs.select(-1, k), alone), Is.LessThan(1e-13));
        }

        Tensor Slice(string key, int k)
        {
            if (key == "b.0") return state[$"b.{k}"];
            if (!cutBranch && !cutTrunk) return state[key.Insert(key.IndexOf('.'), $".{k}")];
            var cut = key.Contains("linears.1") && (key.StartsWith("branch", StringComparison.Ordinal) ? cutBranch : cutTrunk);
            return cut ? state[key].narrow(0, k * p, p) : state[key];
        }
    }

    [Test]
    public void Parameters_are_as_many_and_named_as_in_the_reference()
    {
        var config = new DeepONetConfig { LayerSizesBranch = [100, 40, 40], LayerSizesTrunk = [1, 40, 40] };
        Assert.Multiple(() =>
        {
            Assert.That(StateDict.ParameterCount(new DeepONet(config)), Is.EqualTo(7401));
            Assert.That(StateDict.ParameterCount(new DeepONetCartesianProd(config with { Stacked = true })), Is.EqualTo(164_961));
            Assert.That(StateDict.ParameterCount(new DeepONet(config with { UseBias = false })), Is.EqualTo(7401 - 41));
            Assert.That(StateDict.Of(new DeepONet(Plain)).Keys, Is.EquivalentTo(new[]
            {
                "branch.linears.0.weight", "branch.linears.0.bias", "branch.linears.1.weight", "branch.linears.1.bias",
                "trunk.linears.0.weight", "trunk.linears.0.bias", "trunk.linears.1.weight", "trunk.linears.1.bias", "b.0",
            }));
            Assert.That(StateDict.Of(new DeepONet(Kinds[^1])).Keys, Does.Contain("branch.1.linears.0.weight").And.Contain("b.1")
                .And.None.Contains("frequencies"));
            Assert.That(new DeepONet(Plain).state_dict().Keys, Is.EquivalentTo(StateDict.Of(new DeepONet(Plain)).Keys));
        });
    }

    [Test]
    public void Gradients_are_those_of_central_differences([ValueSource(nameof(Kinds))] DeepONetConfig config)
    {
        // The sizes, one output; and the other kinds at their own.
        if (ReferenceEquals(config, Plain))
            config = new() { LayerSizesBranch = [3, 4, 2], LayerSizesTrunk = [1, 4, 2], Activation = "tanh" };
        var aligned = Ready(new DeepONet(config));
        Tensor u = Sample(3, config.LayerSizesBranch![0]), y = Sample(3, config.TrunkFeatures is null ? config.LayerSizesTrunk[0] : 2);
        var weights = Sample(3, config.NumOutputs);
        CentralDifferences.Check(
            () => (aligned.call(u.requires_grad_(), y.requires_grad_()) * weights).sum(), [u, y, .. aligned.parameters()]);
    }

    [Test]
    public void Fourier_features_make_the_output_periodic_and_come_in_the_order_that_the_frequencies_have()
    {
        var features = FourierFeatures.Periodic(1, 2, period: 0.5);
        var model = Ready(new DeepONetCartesianProd(Plain with { TrunkFeatures = features, LayerSizesTrunk = [4, 8, 6] }));
        Tensor u = Sample(3, 5), y = Sample(7, 1);
        var transformed = new DeepONetCartesianProd(Plain with { LayerSizesTrunk = [4, 8, 6] })
        {
            InputTransform = t => cat(
                [(4 * Math.PI * t).cos(), (4 * Math.PI * t).sin(), (8 * Math.PI * t).cos(), (8 * Math.PI * t).sin()], 1),
        };
        transformed.to(ScalarType.Float64);
        StateDict.Load(transformed, StateDict.Of(model));
        Assert.Multiple(() =>
        {
            Assert.That(Distance(model.call(u, y), model.call(u, y + 0.5)), Is.LessThan(1e-12));
            Assert.That(Distance(model.call(u, y), model.call(u, y + 0.2)), Is.GreaterThan(1e-3));
            Assert.That(Distance(model.call(u, y), transformed.call(u, y)), Is.LessThan(1e-12));
        });
    }

    [Test]
    public void An_output_transform_holds_boundary_values()
    {
        var model = Ready(new DeepONetCartesianProd(Plain with { LayerSizesTrunk = [1, 8, 6] }));
        Tensor u = Sample(3, 5), y = tensor(new[] { 0.0, 0.5 }).unsqueeze(1);
        var free = model.call(u, y);
        model.OutputTransform = (f, x, s) => f.narrow(1, 0, 1) + x.t() * s;
        var held = model.call(u, y);
        Assert.Multiple(() =>
        {
            Assert.That(held[TensorIndex.Colon, 0].Equals(u[TensorIndex.Colon, 0]), Is.True);
            Assert.That(Distance(held.select(1, 1), u.select(1, 0) + 0.5 * free.select(1, 1)), Is.LessThan(1e-14));
        });
    }

    [Test]
    public void The_branch_may_be_any_module_or_a_convolutional_net()
    {
        var config = Plain with { LayerSizesBranch = null };
        var own = nn.Sequential(nn.Flatten(), nn.Linear(6, 6));
        var model = new DeepONetCartesianProd(config, own);
        var convolutional = new DeepONetCartesianProd(config with
        {
            ConvolutionalBranch = new() { InputShape = [1, 9, 8], Channels = [3, 4], KernelSize = 3, LayerSizes = [10, 6] },
        });
        var u = randn(4, 1, 9, 8);
        Assert.Multiple(() =>
        {
            Assert.That(model.call(randn(4, 2, 3), randn(7, 2)).shape, Is.EqualTo(new long[] { 4, 7 }));
            Assert.That(StateDict.Of(model).Keys, Does.Contain("branch.1.weight"));
            Assert.That(new DeepONet(config with { NumOutputs = 2 }, nn.Linear(3, 6), nn.Linear(3, 6)).call(randn(4, 3), randn(4, 2)).shape,
                Is.EqualTo(new long[] { 4, 2 }));
            Assert.That(convolutional.call(u, randn(7, 2)).shape, Is.EqualTo(new long[] { 4, 7 }));
            Assert.That(convolutional.Encode(u).Equals(convolutional.Encode(u.flatten(1))), Is.True);
            Assert.That(() => Zoo.Create("deeponet", config),
                Throws.ArgumentException.With.Message.Contains("Branch").And.Message.Contains("LoadInto"));
            Assert.That(() => new DeepONet(config, nn.Linear(3, 5)).call(randn(4, 3), randn(4, 2)),
                Throws.ArgumentException.With.Message.StartsWith("Branch").And.Message.Contains("(4, 5)"));
            Assert.That(() => new DeepONet(Plain, nn.Linear(5, 6)), Throws.ArgumentException.With.Message.Contains("more than one"));
            Assert.That(() => new DeepONet(config with { NumOutputs = 2 }, nn.Linear(3, 6)),
                Throws.ArgumentException.With.Message.Contains("Expected 2"));
        });
    }

    [Test]
    public void A_convolutional_branch_convolves_with_strides()
    {
        var net = Ready(new ConvolutionalBranch(new() { InputShape = [2, 12, 9], Channels = [3, 4], KernelSize = 3, LayerSizes = [6] }));
        var state = StateDict.Of(net);
        var u = Sample(5, 2, 12, 9).requires_grad_();
        var x = u;
        foreach (var layer in new[] { 0, 1 })
            x = nn.functional.conv2d(x, state[$"convolutions.{layer}.weight"], state[$"convolutions.{layer}.bias"], strides: [2, 2]).relu();
        var expected = x.flatten(1).mm(state["head.linears.0.weight"].t()) + state["head.linears.0.bias"];
        Assert.That(Distance(net.call(u), expected), Is.LessThan(1e-12));
    }

    [Test]
    public void Drop_out_acts_while_training_only([Values] bool stacked)
    {
        var model = new DeepONetCartesianProd(Plain with { Stacked = stacked, DropoutRate = new(0.5, 0) });
        Tensor u = randn(4, 5), y = randn(7, 2);
        Assert.Multiple(() =>
        {
            Assert.That(model.Encode(u).Equals(model.Encode(u)), Is.False);
            Assert.That(model.Basis(y).Equals(model.Basis(y)), Is.True);
            model.eval();
            Assert.That(model.Encode(u).Equals(model.Encode(u)), Is.True);
        });
    }

    [Test]
    public void The_baseline_sees_function_and_point_side_by_side()
    {
        var baseline = new ConcatenationNet(new() { LayerSizes = [7, 8, 1] });
        Tensor u = randn(4, 5), y = randn(4, 2);
        var same = new FullyConnectedNet(new() { LayerSizes = [7, 8, 1] });
        StateDict.Load(same, StateDict.Of(baseline).ToDictionary(s => s.Key["net.".Length..], s => s.Value));
        Assert.Multiple(() =>
        {
            Assert.That(baseline.call(u, y).Equals(same.call(cat([u, y], 1))), Is.True);
            Assert.That(() => baseline.call(u, randn(3, 2)), Throws.ArgumentException.With.Message.Contains("(4, 5) and (3, 2)"));
        });
    }

    [Test]
    public void A_step_leaves_no_tensor_behind([ValueSource(nameof(Kinds))] DeepONetConfig config, [Values] bool cartesian)
    {
        BranchTrunkNet model = cartesian ? new DeepONetCartesianProd(config) : new DeepONet(config);
        Tensor u = randn(4, 5), y = randn(4, 2);
        Step();
        var (scopes, tensors) = (DisposeScopeManager.Statistics.ThreadTotalLiveCount, Tensor.TotalCount);
        for (var i = 0; i < 20; i++) Step();
        Assert.Multiple(() =>
        {
            Assert.That(DisposeScopeManager.Statistics.ThreadTotalLiveCount, Is.EqualTo(scopes));
            Assert.That(Tensor.TotalCount, Is.AtMost(tensors));
        });

        void Step()
        {
            using var step = NewDisposeScope();
            var points = y.detach().requires_grad_();
            var output = model.call(u, points);
            var loss = output.square().mean() + PointDerivative.Of(output, points, 0, 1).square().mean();
            loss.backward();
            model.zero_grad();
            using var off = no_grad();
            model.Combine(model.Encode(u), model.Basis(y));
        }
    }

    [Test]
    public void Options_read_as_the_reference_has_them()
    {
        var config = (DeepONetConfig)ConfigJson.Read("""
            {"layer_sizes_branch": [5, 6], "layer_sizes_trunk": [2, 6], "activation": {"branch": "swish", "trunk": "sin"},
             "kernel_initializer": "He uniform", "num_outputs": 2, "multi_output_strategy": "split_both", "regularization": null,
             "dropout_rate": 0.1}
            """, typeof(DeepONetConfig));
        Assert.Multiple(() =>
        {
            Assert.That(config.Activation, Is.EqualTo(new BranchTrunk<string>("swish", "sin")));
            Assert.That(config.DropoutRate, Is.EqualTo(new BranchTrunk<double>(0.1, 0.1)));
            Assert.That(config.MultiOutputStrategy, Is.EqualTo(MultiOutputStrategy.SplitBoth));
            Assert.That(ConfigJson.Write(config),
                Does.Contain("\"activation\":{\"branch\":\"swish\",\"trunk\":\"sin\"}").And.Contain("\"dropout_rate\":0.1"));
            Assert.That(
                () => ConfigJson.Read("""{"layer_sizes_trunk": [2, 6], "activation": {"branch": "relu"}}""", typeof(DeepONetConfig)),
                Throws.ArgumentException.With.Message.Contains("branch and one for trunk"));
        });
    }
}

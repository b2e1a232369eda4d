using NUnit.Framework;
using TorchSharp;
using TorchZoo.Checkpoints;
using TorchZoo.Data;
using TorchZoo.Losses;
using TorchZoo.Models.Operators;
using TorchZoo.Testing;
using TorchZoo.Training;
using static TorchSharp.torch;

namespace TorchZoo.Models.Tests;

public sealed class PodDeepONetTests
{
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

    private static double Largest(Tensor x) => x.abs().max().item<double>();

    [TestCase(12, 40), TestCase(40, 12), TestCase(15, 15)]
    public void Modes_are_orthonormal_eigenvectors_of_the_covariance(int functions, int points)
    {
        var s = Sample(functions, points) * linspace(1, 3, points, ScalarType.Float64) + 5;
        var (mean, v) = PodBasis.Fit(s, 8);
        var centred = s - s.mean([0]);
        var covariance = centred.t().mm(centred) / (functions - 1);
        var eigenvalues = linalg.eigvalsh(covariance).flip(0).narrow(0, 0, 8);
        Assert.Multiple(() =>
        {
            Assert.That(Largest(mean - s.mean([0])), Is.LessThan(1e-13));
            Assert.That(Largest(v.t().mm(v) / points - eye(8, dtype: ScalarType.Float64)), Is.LessThan(1e-13));
            Assert.That(Largest(covariance.mm(v) - v * eigenvalues), Is.LessThan(1e-10));
        });
    }

    [TestCase(12, 40), TestCase(40, 12)]
    public void All_modes_reproduce_the_training_outputs(int functions, int points)
    {
        var s = Sample(functions, points);
        var (mean, v) = PodBasis.Fit(s.to(ScalarType.Float32), Math.Min(functions, points));
        var projected = (s - mean).mm(v.to(ScalarType.Float64)).mm(v.to(ScalarType.Float64).t()) / points + mean;
        Assert.That(Largest(projected - s), Is.LessThan(5e-6)); // single precision in and out
        (mean, v) = PodBasis.Fit(s, Math.Min(functions, points));
        Assert.That(Largest((s - mean).mm(v).mm(v.t()) / points + mean - s), Is.LessThan(1e-12));
    }

    [Test]
    public void Sixteen_modes_hold_all_that_an_antiderivative_of_smooth_functions_varies()
    {
        var x = linspace(0, 1, 100, ScalarType.Float64);
        var (eigenvalues, vectors) = linalg.eigh((-((x.unsqueeze(1) - x) / 0.2).square() / 2).exp());
        var u = Sample(1000, 100).mm((vectors * eigenvalues.clamp_min(0).sqrt()).t());
        var s = cat([zeros(1000, 1, ScalarType.Float64), ((u.narrow(1, 0, 99) + u.narrow(1, 1, 99)) / 198).cumsum(1)], 1);
        var (mean, v) = PodBasis.Fit(s, 16);
        var centred = s - mean;
        var left = centred - centred.mm(v).mm(v.t()) / 100;
        Assert.That((left.square().sum() / centred.square().sum()).item<double>(), Is.LessThan(1e-12));
    }

    [Test]
    public void The_output_is_branch_times_basis_with_the_published_scale_and_mean()
    {
        var basis = new PodBasis(Sample(7), Sample(7, 4));
        var config = new PodDeepONetConfig { LayerSizesBranch = [5, 8, 4], Activation = "tanh", DivideByModes = true };
        var model = new PodDeepONet(config, basis);
        var bare = new PodDeepONet(config with { DivideByModes = false }, basis.Modes);
        model.to(ScalarType.Float64);
        bare.to(ScalarType.Float64);
        StateDict.Load(bare, StateDict.Of(model).Where(s => !s.Key.StartsWith("pod", StringComparison.Ordinal)).ToDictionary());
        var u = Sample(3, 5);
        var expected = model.Encode(u).squeeze(1).mm(basis.Modes.t());
        Assert.Multiple(() =>
        {
            Assert.That(Largest(bare.call(u) - expected), Is.LessThan(1e-6)); // the basis went through single precision
            Assert.That(Largest(model.call(u) - (expected / 4 + basis.Mean)), Is.LessThan(1e-6));
            Assert.That(model.call(u, empty(0)).Equals(model.call(u)), Is.True);
            Assert.That(StateDict.ParameterCount(model), Is.EqualTo(5 * 8 + 8 + 8 * 4 + 4), "no b without a trunk net");
        });
    }

    [Test]
    public void With_a_trunk_net_its_features_join_the_basis()
    {
        var basis = Sample(7, 4);
        var model = new PodDeepONet(new() { LayerSizesBranch = [5, 8, 6], LayerSizesTrunk = [1, 8, 2] }, basis);
        model.to(ScalarType.Float64);
        Tensor u = Sample(3, 5), y = Sample(7, 1);
        using (no_grad()) StateDict.Of(model)["b"].fill_(0.25);
        var joined = model.Basis(y).squeeze(1);
        Assert.Multiple(() =>
        {
            Assert.That(joined.shape, Is.EqualTo(new long[] { 7, 6 }));
            Assert.That(Largest(joined.narrow(1, 0, 4) - basis), Is.LessThan(1e-6));
            Assert.That(joined.narrow(1, 4, 2).min().item<double>(), Is.Not.Negative);
            Assert.That(Largest(model.call(u, y) - (model.Encode(u).squeeze(1).mm(joined.t()) + 0.25)), Is.LessThan(1e-12));
        });
    }

    [Test]
    public void It_trains_on_pairs_and_comes_back_with_its_basis()
    {
        using var folder = new TemporaryFolder();
        Tensor u = randn(20, 5), s = randn(20, 7);
        var model = new PodDeepONet(new() { LayerSizesBranch = [5, 8, 4], DivideByModes = true }, PodBasis.Fit(s, 4));
        var trainer = new Trainer(model, new TrainerOptions { Directory = folder.Path, BatchSize = 5 })
        {
            Step = Steps.Supervised(RelativeL2.Loss),
        };
        trainer.Fit(new PairDataset(u, s));
        model.eval();

        var again = Zoo.Load<PodDeepONet>(trainer.LastPath!);
        Assert.That(again.call(u).Equals(model.call(u)), Is.True);
    }

    [Test]
    public void A_state_dict_of_the_reference_lacks_the_basis()
    {
        var config = new PodDeepONetConfig { LayerSizesBranch = [5, 8, 4] };
        var basis = randn(7, 4);
        var model = new PodDeepONet(config, basis);
        var theirs = StateDict.Of(model).Where(s => !s.Key.StartsWith("pod", StringComparison.Ordinal))
            .ToDictionary(s => s.Key, s => s.Value.clone());
        var again = new PodDeepONet(config, basis);
        StateDict.Load(again, theirs);
        var u = randn(3, 5);
        Assert.Multiple(() =>
        {
            Assert.That(again.call(u).Equals(model.call(u)), Is.True);
            Assert.That(() => StateDict.Load(new PodDeepONet(config with { BasisShape = [7, 4] }), theirs),
                Throws.ArgumentException.With.Message.Contains("pod_basis"), "nothing would say what the basis is");
            Assert.That(() => StateDict.Load(new PodDeepONet(config, basis), new Dictionary<string, Tensor>()),
                Throws.ArgumentException.With.Message.Contains("branch.linears.0.weight"));
        });
    }

    [Test]
    public void Bad_input_is_refused()
    {
        var config = new PodDeepONetConfig { LayerSizesBranch = [5, 8, 4] };
        var basis = randn(7, 4);
        var trunk = config with { LayerSizesTrunk = [1, 8, 2], LayerSizesBranch = [5, 8, 6] };
        Assert.Multiple(() =>
        {
            Refuses(() => new PodDeepONet(config), "Basis: expected one");
            Refuses(() => new PodDeepONet(config, randn(7)), "Basis");
            Refuses(() => new PodDeepONet(config, randn(7, 3)), "to 3 modes and 0 features of the trunk belongs a branch that ends");
            Refuses(() => new PodDeepONet(config with { LayerSizesTrunk = [1, 2] }, basis), "ends in 6, got 4");
            Refuses(() => new PodDeepONet(config with { BasisShape = [8, 4] }, basis), "the configuration says (8, 4)");
            Refuses(() => new PodDeepONet(config, new PodBasis(randn(6), basis)), "got (7, 4) and (6)");
            Refuses(() => new PodDeepONet(config with { LayerSizesBranch = null }, basis), "Branch");
            Refuses(() => new PodDeepONet(config, basis).call(randn(3, 4)), "Branch: expected (functions, 5 sensors)");
            Refuses(() => new PodDeepONet(trunk, basis).call(randn(3, 5)), "needs the query points");
            Refuses(() => new PodDeepONet(trunk, basis).call(randn(3, 5), randn(6, 1)), "Trunk: expected (7 points");
            Refuses(() => PodBasis.Fit(randn(3), 1), "(functions, points)");
            Refuses(() => PodBasis.Fit(randn(0, 3), 1), "(functions, points)");
            Refuses(() => PodBasis.Fit(randn(3, 7), 4), "from 1 to 3 modes");
            Refuses(() => PodBasis.Fit(full(3, 7, double.NaN), 1), "finite");
        });

        static void Refuses(Action what, string message) => Assert.That(what, Throws.ArgumentException.With.Message.Contains(message));
    }
}

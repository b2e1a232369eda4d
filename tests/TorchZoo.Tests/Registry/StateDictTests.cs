using NUnit.Framework;
using TorchSharp.Modules;
using TorchZoo.Checkpoints;
using static TorchSharp.torch;

namespace TorchZoo.Tests.Registry;

public class StateDictTests
{
    // Stored: real pairs with the modes first. Shown: complex numbers with the modes last.
    private sealed class Spectrum : nn.Module<Tensor, Tensor>, IHasStateViews
    {
        private readonly Parameter weight = new(randn(4, 2, 3, 2));

        public Spectrum() : base(nameof(Spectrum)) => RegisterComponents();

        public IEnumerable<StateView> StateViews => [new("weight", "weight.tensor", w => view_as_complex(w).permute(1, 2, 0))];

        public override Tensor forward(Tensor input) => input * weight.square().sum();

        public override Dictionary<string, Tensor> state_dict(Dictionary<string, Tensor>? destination = null, string? prefix = null) =>
            StateDict.Collect(this, destination, prefix);
    }

    private sealed class Owner : nn.Module<Tensor, Tensor>
    {
        private readonly Spectrum spectrum = new();
        private readonly BatchNorm1d norm = nn.BatchNorm1d(3);
        private readonly Parameter scale = new(ones(1));

        public Owner() : base(nameof(Owner)) => RegisterComponents();

        public override Tensor forward(Tensor input) => spectrum.forward(input) * scale;

        public override Dictionary<string, Tensor> state_dict(Dictionary<string, Tensor>? destination = null, string? prefix = null) =>
            StateDict.Collect(this, destination, prefix);
    }

    [Test]
    public void ShowsViewsUnderTheirOwnNames()
    {
        using var scope = NewDisposeScope();
        var state = new Owner().state_dict();
        Assert.Multiple(() =>
        {
            Assert.That(state.Keys, Is.EquivalentTo(["scale", "spectrum.weight.tensor", "norm.weight", "norm.bias", "norm.running_mean", "norm.running_var", "norm.num_batches_tracked"]));
            Assert.That(state["spectrum.weight.tensor"].dtype, Is.EqualTo(ScalarType.ComplexFloat32));
            Assert.That(state["spectrum.weight.tensor"].shape, Is.EqualTo([2L, 3, 4]));
        });
    }

    [Test]
    public void TorchSharpsLoadWritesThroughTheView()
    {
        using var scope = NewDisposeScope();
        Owner a = new(), b = new();
        b.load_state_dict(a.state_dict());
        var x = randn(3);
        Assert.That(b.forward(x).Equals(a.forward(x)), Is.True);
    }

    [Test]
    public void GradientsAreShownAsTheParametersAre()
    {
        using var scope = NewDisposeScope();
        var owner = new Owner();
        owner.forward(ones(1)).sum().backward();
        var gradients = StateDict.Gradients(owner);
        Assert.Multiple(() =>
        {
            Assert.That(gradients.Keys, Is.EquivalentTo(["scale", "spectrum.weight.tensor"]));
            Assert.That(gradients["spectrum.weight.tensor"].allclose(2 * owner.state_dict()["spectrum.weight.tensor"]), Is.True);
        });
    }

    [Test]
    public void RealPairsLoadIntoComplexWeights()
    {
        using var scope = NewDisposeScope();
        Owner a = new(), b = new();
        var state = a.state_dict();
        state["spectrum.weight.tensor"] = state["spectrum.weight.tensor"].view_as_real().contiguous();
        StateDict.Load(b, state);
        var x = randn(3);
        Assert.That(b.forward(x).Equals(a.forward(x)), Is.True);
    }
}

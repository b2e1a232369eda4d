using NUnit.Framework;
using TorchZoo.Models.Operators;
using static TorchSharp.torch;
using static TorchZoo.Models.Operators.MultiOutputStrategy;

namespace TorchZoo.Models.Tests;

/// <summary>Bad input is refused before any work, in words that say which net it concerns.</summary>
public sealed class DeepONetInputTests
{
    private static readonly DeepONetConfig Plain = new() { LayerSizesBranch = [5, 8, 6], LayerSizesTrunk = [2, 8, 6] };

    private static readonly TestCaseData[] Configurations =
    [
        Case("last widths", Plain with { LayerSizesBranch = [5, 7] }, "ends in 6, got 7"),
        Case("last widths, independent", Plain with { NumOutputs = 2, LayerSizesBranch = [5, 12] }, "Independent"),
        Case("last widths, split branch", Plain with { NumOutputs = 2, MultiOutputStrategy = SplitBranch }, "ends in 12, got 6"),
        Case("last widths, split trunk", Plain with { NumOutputs = 2, MultiOutputStrategy = SplitTrunk }, "ends in 3, got 6"),
        Case("not divisible", Plain with { NumOutputs = 4, MultiOutputStrategy = SplitBoth }, "must divide the trunk"),
        Case("not divisible, branch", Plain with { NumOutputs = 4, MultiOutputStrategy = SplitBranch }, "must divide the branch"),
        Case("strategy for one output", Plain with { MultiOutputStrategy = SplitBoth }, "One output needs no strategy"),
        Case("unknown strategy", Plain with { NumOutputs = 2, MultiOutputStrategy = (MultiOutputStrategy)9 }, "Unknown strategy"),
        Case("no outputs", Plain with { NumOutputs = 0 }, "NumOutputs"),
        Case("no branch", Plain with { LayerSizesBranch = null }, "Branch"),
        Case("one width", Plain with { LayerSizesBranch = [6] }, "branch: LayerSizes"),
        Case("zero width", Plain with { LayerSizesTrunk = [2, 0, 6] }, "trunk: LayerSizes"),
        Case("activation", Plain with { Activation = new("relu", "rleu") }, "trunk: Activation"),
        Case("initialisation", Plain with { KernelInitializer = "Glorot" }, "KernelInitializer"),
        Case("drop-out", Plain with { DropoutRate = new(1, 0) }, "branch: DropoutRate"),
        Case("features", Plain with { TrunkFeatures = FourierFeatures.Periodic(1, 2) }, "make 4 features"),
        Case("no frequencies", Plain with { TrunkFeatures = new([]) }, "Trunk: expected one or more frequencies"),
        Case("stacked convolutions", Plain with
        {
            LayerSizesBranch = null,
            Stacked = true,
            ConvolutionalBranch = new() { InputShape = [1, 29, 29], LayerSizes = [6] },
        }, "stacked"),
        Case("convolutions leave nothing", Plain with
        {
            LayerSizesBranch = null,
            ConvolutionalBranch = new() { InputShape = [1, 9, 9], LayerSizes = [6] },
        }, "leave nothing"),
    ];

    private static TestCaseData Case(string name, DeepONetConfig config, string message) =>
        new TestCaseData(config, message).SetArgDisplayNames(name);

    [TestCaseSource(nameof(Configurations))]
    public void A_configuration_is_refused(DeepONetConfig config, string message)
    {
        Assert.Multiple(() =>
        {
            Assert.That(() => new DeepONet(config), Throws.InstanceOf<ArgumentException>().With.Message.Contains(message));
            Assert.That(() => new DeepONetCartesianProd(config), Throws.InstanceOf<ArgumentException>().With.Message.Contains(message));
        });
    }

    [TestCase(new long[] { 3, 4 }, new long[] { 3, 2 }, "Branch: expected (functions, 5 sensors), got (3, 4)")]
    [TestCase(new long[] { 3, 5, 1 }, new long[] { 3, 2 }, "Branch")]
    [TestCase(new long[] { 3, 5 }, new long[] { 3, 1 }, "Trunk: expected (points, 2 coordinates), got (3, 1)")]
    [TestCase(new long[] { 3, 5 }, new long[] { 2 }, "Trunk")]
    public void A_shape_is_refused(long[] u, long[] y, string message)
    {
        using var scope = NewDisposeScope();
        foreach (OperatorNet model in new OperatorNet[] { new DeepONet(Plain), new DeepONetCartesianProd(Plain) })
            Assert.That(() => model.call(randn(u), randn(y)),
                Throws.ArgumentException.With.Message.Contains(message.Split(':')[0]).Or.Message.Contains(message));
        Assert.That(() => new DeepONetCartesianProd(Plain).call(randn(u), randn(y)),
            Throws.ArgumentException.With.Message.Contains(message));
    }

    [Test]
    public void One_forms_data_are_no_data_of_the_other()
    {
        using var scope = NewDisposeScope();
        Assert.Multiple(() =>
        {
            Assert.That(() => new DeepONet(Plain).call(randn(3, 5), randn(7, 2)),
                Throws.ArgumentException.With.Message.Contains("DeepONetCartesianProd").And.Message.StartsWith("Trunk"));
            Assert.That(() => new DeepONetCartesianProd(Plain).call(randn(3, 5), randn(3, 7, 2)),
                Throws.ArgumentException.With.Message.Contains("use DeepONet").And.Message.StartsWith("Trunk"));
        });
    }

    [Test]
    public void An_input_transform_that_gives_another_width_is_named()
    {
        using var scope = NewDisposeScope();
        var model = new DeepONet(Plain) { InputTransform = y => cat([y, y], 1) };
        Assert.That(() => model.call(randn(3, 5), randn(3, 2)), Throws.ArgumentException.With.Message.Contains("input transform"));
    }
}

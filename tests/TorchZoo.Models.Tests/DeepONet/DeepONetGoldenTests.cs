using NUnit.Framework;
using TorchZoo.Models.Operators;
using TorchZoo.Testing;
using static TorchSharp.torch;

namespace TorchZoo.Models.Tests;

[Category("Golden")]
public sealed class DeepONetGoldenTests
{
    private static IEnumerable<TestCaseData> Cases => GoldenCase.Of("deeponet");

    [TestCaseSource(nameof(Cases))]
    public void Outputs_and_gradients_are_the_references(string folder)
    {
        using var scope = NewDisposeScope();
        using var golden = GoldenCase.Load(folder);
        using OperatorNet model = golden.Class switch
        {
            "DeepONet" => new DeepONet(golden.ConfigAs<DeepONetConfig>()),
            "DeepONetCartesianProd" => new DeepONetCartesianProd(golden.ConfigAs<DeepONetConfig>()),
            "PODDeepONet" => new PodDeepONet(golden.ConfigAs<PodDeepONetConfig>(), golden.Group("input")["pod_basis"]),
            var other => throw new InvalidDataException($"unknown class {other}"),
        };
        golden.Check(model, inputs => new Dictionary<string, Tensor>
        {
            [""] = inputs.TryGetValue("loc", out var points) ? model.call(inputs["func"], points) : ((PodDeepONet)model).call(inputs["func"]),
        });
    }
}

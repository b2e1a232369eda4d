using NUnit.Framework;
using TorchSharp;
using TorchZoo.Models.Fields;
using TorchZoo.Numerics;
using TorchZoo.Testing;
using static TorchSharp.torch;

namespace TorchZoo.Models.Tests;

[Category("Golden")]
public sealed class SirenGoldenTests
{
    private static IEnumerable<TestCaseData> Cases => GoldenCase.Of("siren");

    [TestCaseSource(nameof(Cases))]
    public void Values_derivatives_and_their_gradients_are_the_references(string folder)
    {
        using var scope = NewDisposeScope();
        using var golden = GoldenCase.Load(folder);
        using var model = new CoordinateMlp(golden.ConfigAs<CoordinateMlpConfig>());
        golden.Check(model.to(Type(golden)), inputs =>
        {
            var x = inputs["coords"];
            var y = model.forward(x);
            return Wanted(golden, name => name switch
            {
                "value" => y,
                "gradient" => DifferentialOperators.Gradient(y, x),
                "laplacian" => DifferentialOperators.Laplace(y, x),
                _ => null,
            });
        });
    }

    private static ScalarType Type(GoldenCase golden) => golden.Group("input")["coords"].dtype;

    private static Dictionary<string, Tensor> Wanted(GoldenCase golden, Func<string, Tensor?> compute) =>
        golden.Group("output").Keys.Select(name => (Name: name, Value: compute(name)))
            .Where(o => o.Value is not null).ToDictionary(o => o.Name, o => o.Value!);
}

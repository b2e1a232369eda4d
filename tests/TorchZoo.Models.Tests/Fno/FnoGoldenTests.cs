using NUnit.Framework;
using TorchZoo.Models.Operators;
using TorchZoo.Testing;
using static TorchSharp.torch;

namespace TorchZoo.Models.Tests;

[Category("Golden")]
public sealed class FnoGoldenTests
{
    private static IEnumerable<TestCaseData> Cases => GoldenCase.Of("fno");

    [TestCaseSource(nameof(Cases))]
    public void Outputs_and_gradients_are_the_references(string folder)
    {
        using var scope = NewDisposeScope();
        using var golden = GoldenCase.Load(folder);
        using var model = new Fno(golden.ConfigAs<FnoConfig>());
        golden.Check(model);
    }
}

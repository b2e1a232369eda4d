using System.Text.Json.Nodes;
using NUnit.Framework;
using TorchSharp;
using TorchZoo.Models.Fields;
using TorchZoo.Testing;
using static TorchSharp.torch;

namespace TorchZoo.Models.Tests;

[Category("Golden")]
public sealed class SirenPriorGoldenTests
{
    private static IEnumerable<TestCaseData> Cases => GoldenCase.Of("hypernetwork", golden =>
        golden.Class == "NeuralProcessImplicit2DHypernet");

    [TestCaseSource(nameof(Cases))]
    public void Fields_and_gradients_are_the_references(string folder)
    {
        using var scope = NewDisposeScope();
        using var golden = GoldenCase.Load(folder);
        // The parts carry the names of their classes too.
        var config = JsonNode.Parse(golden.Config)!.AsObject();
        foreach (var (_, part) in config) (part as JsonObject)?.Remove("class");
        using var model = new SirenPrior((SirenPriorConfig)ConfigJson.Read(config.ToJsonString(), typeof(SirenPriorConfig)));
        golden.Check(model.to(golden.Group("input")["coords"].dtype), inputs =>
        {
            var output = model.Forward(inputs["coords_sub"], inputs["img_sub"], inputs["coords"], inputs.GetValueOrDefault("ctxt_mask"));
            return new Dictionary<string, Tensor> { ["value"] = output.Values, ["embedding"] = output.Latent };
        });
    }
}

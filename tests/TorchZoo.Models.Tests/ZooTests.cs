using System.Reflection;
using NUnit.Framework;
using TorchZoo.Data;
using TorchZoo.Losses;
using TorchZoo.Testing;
using TorchZoo.Training;
using static TorchSharp.torch;

namespace TorchZoo.Models.Tests;

/// <summary>A small example of a model for the tests that all models share.</summary>
/// <param name="Name">The model's name.</param>
/// <param name="Config">A small configuration.</param>
/// <param name="Shape">Shape of an input, and of the output.</param>
internal sealed record ModelSample(string Name, object Config, long[] Shape);

/// <summary>What holds for every model of the zoo.</summary>
public class ZooTests
{
    // Each paper's tests bring the samples of its models.
    private static readonly Dictionary<string, ModelSample> Samples = typeof(ZooTests).Assembly.GetTypes()
        .SelectMany(t => t.GetFields(BindingFlags.Static | BindingFlags.NonPublic | BindingFlags.Public))
        .Where(f => f.FieldType == typeof(ModelSample))
        .Select(f => (ModelSample)f.GetValue(null)!)
        .ToDictionary(s => s.Name);

    private static IEnumerable<string> Names() => Zoo.ModelNames();

    [TestCaseSource(nameof(Names))]
    public void AModelComesBackFromItsCheckpointAlone(string name)
    {
        Assert.That(Samples, Contains.Key(name), "its tests need a static field of type ModelSample");
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        var (_, config, shape) = Samples[name];
        var model = (nn.Module<Tensor, Tensor>)Zoo.Create(name, config);
        var x = randn(shape);
        var trainer = new Trainer(model, new TrainerOptions { Directory = folder.Path, BatchSize = 2 }) { Step = Steps.Supervised(RelativeL2.Loss) };
        trainer.Fit(new PairDataset(x, randn(shape)));

        var again = (nn.Module<Tensor, Tensor>)Zoo.Load(trainer.LastPath!);
        model.eval();
        Assert.Multiple(() =>
        {
            Assert.That(again.GetType(), Is.EqualTo(model.GetType()));
            Assert.That(ConfigJson.Write(((IConfigured)again).Config), Is.EqualTo(ConfigJson.Write(config)));
            Assert.That(again.call(x).Equals(model.call(x)), Is.True);
        });
    }
}

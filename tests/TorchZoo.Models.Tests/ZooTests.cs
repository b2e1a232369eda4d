using System.Reflection;
using NUnit.Framework;
using TorchZoo.Data;
using TorchZoo.Testing;
using TorchZoo.Training;
using static TorchSharp.torch;

namespace TorchZoo.Models.Tests;

/// <summary>A small example of a model for the tests that all models share.</summary>
/// <param name="Name">The model's name.</param>
/// <param name="Config">A small configuration.</param>
/// <param name="Inputs">Shapes of its inputs.</param>
internal sealed record ModelSample(string Name, object Config, params long[][] Inputs);

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
        var (_, config, shapes) = Samples[name];
        var model = Zoo.Create(name, config);
        Tensor[] inputs = [.. shapes.Select(shape => randn(shape))];
        var trainer = new Trainer(model, new TrainerOptions { Directory = folder.Path }) { Step = new TowardsZero() };
        trainer.Fit(new OneBatch(inputs));

        var again = Zoo.Load(trainer.LastPath!);
        model.eval();
        Assert.Multiple(() =>
        {
            Assert.That(again.GetType(), Is.EqualTo(model.GetType()));
            Assert.That(ConfigJson.Write(((IConfigured)again).Config), Is.EqualTo(ConfigJson.Write(config)));
            Assert.That(Call(again, inputs).Equals(Call(model, inputs)), Is.True);
        });
    }

    private static Tensor Call(nn.Module model, Tensor[] inputs) => (model, inputs) switch
    {
        (nn.Module<Tensor, Tensor> one, [var x]) => one.call(x),
        (nn.Module<Tensor, Tensor, Tensor> two, [var x, var y]) => two.call(x, y),
        _ => throw new ArgumentException($"{model.GetType().Name} doesn't take {inputs.Length} inputs", nameof(inputs)),
    };

    private sealed record Inputs(Tensor[] Given) : Batch
    {
        public override IReadOnlyList<Tensor> Tensors => Given;

        public override long Count => 1;

        public override Batch With(IReadOnlyList<Tensor> tensors) => new Inputs([.. tensors]);
    }

    private sealed class OneBatch(Tensor[] inputs) : IDataset
    {
        public long Count => 1;

        public Batch Take(Tensor indices) => new Inputs([.. inputs.Select(t => t.alias())]);
    }

    private sealed class TowardsZero : TrainingStep<Inputs>
    {
        protected override void Run(Inputs batch, StepContext context)
        {
            context.Backward(Call(context.Model, batch.Given).square().mean());
            context.Update();
        }
    }
}

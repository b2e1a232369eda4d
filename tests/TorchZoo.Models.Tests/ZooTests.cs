using System.Reflection;
using NUnit.Framework;
using TorchZoo.Checkpoints;
using TorchZoo.Data;
using TorchZoo.Testing;
using TorchZoo.Training;
using static TorchSharp.torch;

namespace TorchZoo.Models.Tests;

/// <summary>A small example of a model for the tests that all models share.</summary>
/// <param name="Name">The model's name.</param>
/// <param name="Config">A small configuration.</param>
/// <param name="Inputs">Shapes of its inputs.</param>
internal sealed record ModelSample(string Name, object Config, params long[][] Inputs)
{
    /// <summary>Makes an input of a shape.</summary>
    public Func<long[], Tensor> Random { get; init; } = shape => randn(shape);
}

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
        var sample = Samples[name];
        var (_, config, shapes) = sample;
        var model = Zoo.Create(name, config);
        Tensor[] inputs = [.. shapes.Select(sample.Random)];
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

        // Without a trainer.
        var path = Path.Combine(folder.Path, "model.pt");
        Zoo.Save(model, path, new Dictionary<string, string> { ["data"] = "one batch" });
        using var saved = Checkpoint.Load(path);
        Assert.Multiple(() =>
        {
            Assert.That(Call(Zoo.Load(saved), inputs).Equals(Call(model, inputs)), Is.True);
            Assert.That(saved.Notes, Is.EqualTo(new Dictionary<string, string> { ["data"] = "one batch" }));
        });
    }

    [Test]
    public void OnlyModelsWithANameAreSavedWithIt()
    {
        using var folder = new TemporaryFolder();
        using var linear = nn.Linear(2, 2);
        Assert.That(() => Zoo.Save(linear, Path.Combine(folder.Path, "linear.pt")), Throws.ArgumentException.With.Message.Contains("Linear"));
        Assert.That(Directory.EnumerateFiles(folder.Path), Is.Empty);
    }

    // What a model keeps between calls must not be bound to the mode of the call that made it. Some epochs, for a first overflow in float16.
    [TestCaseSource(nameof(Names))]
    public void AModelTrainsAfterAnEvaluationInEveryPrecision(string name)
    {
        using var scope = NewDisposeScope();
        var sample = Samples[name];
        var (_, config, shapes) = sample;
        foreach (var precision in Enum.GetValues<Precision>())
        {
            var model = Zoo.Create(name, config);
            var data = new OneBatch([.. shapes.Select(sample.Random)]);
            var trainer = new Trainer(model, new TrainerOptions { Epochs = 20, Precision = precision }) { Step = new TowardsZero() };
            var before = model.parameters().Select(p => p.detach().clone()).ToList();
            Assert.That(trainer.Evaluate(data)["loss"], Is.GreaterThanOrEqualTo(0));
            trainer.Fit(data);
            Assert.Multiple(() =>
            {
                Assert.That(model.parameters().All(p => p.isfinite().all().item<bool>()), Is.True, $"{precision}");
                Assert.That(model.parameters().Zip(before).Any(p => !p.First.allclose(p.Second, 0, 0)), Is.True, $"{precision}");
            });
        }
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
            var loss = Loss(batch, context);
            context.Backward(loss);
            context.Update();
            context.Log("loss", loss);
        }

        protected override void Evaluate(Inputs batch, StepContext context) => context.Log("loss", Loss(batch, context));

        private static Tensor Loss(Inputs batch, StepContext context) =>
            Autocast.ToFullPrecision(Call(context.Model, batch.Given)).square().mean();
    }
}

using NUnit.Framework;
using TorchZoo.Checkpoints;
using TorchZoo.Testing;
using TorchZoo.Training;
using static TorchSharp.torch;

namespace TorchZoo.Tests.Shelf
{
    /// <summary>Settings of a probe.</summary>
    public sealed record ProbeConfig
    {
        public int Width { get; init; } = 3;

        public required string Activation { get; init; }
    }

    /// <summary>A paper as an assembly of somebody else's would add it.</summary>
    [Paper("probe-net", "A probe", "0000.00001", 2026), Model("probe-net")]
    public sealed class ProbeNet : nn.Module<Tensor, Tensor>, IConfigured
    {
        private readonly nn.Module<Tensor, Tensor> _layer;

        public ProbeNet(ProbeConfig config, bool bias = true) : base(nameof(ProbeNet))
        {
            if (config.Width <= 0) throw new ArgumentException("width must be positive", nameof(config));
            Config = config;
            _layer = nn.Linear(config.Width, 1, hasBias: bias);
            RegisterComponents();
        }

        public ProbeConfig Config { get; }

        object IConfigured.Config => Config;

        public override Tensor forward(Tensor input) => _layer.forward(input);
    }
}

namespace TorchZoo.Tests.Registry
{
    using TorchZoo.Data;
    using TorchZoo.Tests.Shelf;

    public class ZooTests
    {
        [Test]
        public void FindsPapersOfAllAssembliesThatUseIt()
        {
            var paper = Zoo.Find("probe-net");
            Assert.Multiple(() =>
            {
                Assert.That(paper.Title, Is.EqualTo("A probe"));
                Assert.That(paper.Family, Is.EqualTo("Shelf"));
                Assert.That(Zoo.List().Select(p => p.Slug), Contains.Item("fno").And.Contains("probe-net"));
                Assert.That(Zoo.List().Select(p => p.Slug), Is.Ordered);
                Assert.That(Zoo.List("shelf").Select(p => p.Slug), Is.EqualTo(["probe-net"]));
                Assert.That(Zoo.List("no such family"), Is.Empty);
            });
        }

        [Test]
        public void EveryPaperHasACard() =>
            Assert.That(Zoo.List().Where(p => p.Type.Assembly != typeof(ZooTests).Assembly).Where(p => string.IsNullOrWhiteSpace(p.Card())), Is.Empty);

        [Test]
        public void CreatesAndChecksTheConfiguration()
        {
            using var net = Zoo.Create("probe-net", new ProbeConfig { Activation = "relu", Width = 5 });
            Assert.Multiple(() =>
            {
                Assert.That(((ProbeNet)net).Config.Width, Is.EqualTo(5));
                Assert.That(() => Zoo.Create("probe-net", "no config"), Throws.ArgumentException.With.Message.Contains("ProbeConfig"));
                Assert.That(() => Zoo.Create("probe-net", new ProbeConfig { Activation = "relu", Width = 0 }), Throws.ArgumentException.With.Message.Contains("positive"));
                Assert.That(() => Zoo.Create("prob-net", new ProbeConfig { Activation = "relu" }), Throws.ArgumentException.With.Message.Contains("'probe-net'"));
                Assert.That(() => Zoo.Find("zzzzzzzzz"), Throws.ArgumentException.With.Message.Not.Contains("Did you mean"));
            });
        }

        [TestCase("""{"activation": "relu", "widht": 4}"""), TestCase("""{"width": 4}"""), TestCase("""{"activation": null}"""), TestCase("{"), TestCase("null")]
        public void AConfigurationThatIsNotOneIsRefused(string json) =>
            Assert.That(() => Zoo.CreateFromJson("probe-net", json), Throws.ArgumentException);

        [Test]
        public void LoadsWhatATrainerSaved()
        {
            using var scope = NewDisposeScope();
            using var folder = new TemporaryFolder();
            var net = new ProbeNet(new ProbeConfig { Activation = "tanh", Width = 4 });
            var data = new PairDataset(randn(8, 4), randn(8, 1));
            var trainer = new Trainer(net, new TrainerOptions { Directory = folder.Path }) { Step = Steps.Supervised((p, y) => (p - y).square().mean()), Notes = new Dictionary<string, string> { ["data"] = "noise" } };
            trainer.Fit(data);

            var again = Zoo.Load<ProbeNet>(trainer.BestPath!);
            using var checkpoint = Checkpoint.Load(trainer.BestPath!);
            Assert.Multiple(() =>
            {
                Assert.That(again.Config, Is.EqualTo(net.Config));
                Assert.That(again.training, Is.False);
                Assert.That(again.call(data.Inputs).Equals(net.call(data.Inputs)), Is.True);
                Assert.That(checkpoint.Notes["data"], Is.EqualTo("noise"));
                Assert.That(() => Zoo.Load<nn.Module<Tensor, Tensor, Tensor>>(trainer.BestPath!), Throws.ArgumentException.With.Message.Contains("ProbeNet"));
            });
        }

        [TestCase("fno", ExpectedResult = "fno"), TestCase("fon", ExpectedResult = "fno"), TestCase("FNO", ExpectedResult = "fno"), TestCase("sirn", ExpectedResult = "siren")]
        [TestCase("deepont", ExpectedResult = "deeponet"), TestCase("xyzzy", ExpectedResult = null), TestCase("", ExpectedResult = null)]
        public string? NearestName(string word) => Spelling.Nearest(word, ["fno", "siren", "deeponet"]);
    }
}

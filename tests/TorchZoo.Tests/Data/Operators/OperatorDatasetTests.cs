using NUnit.Framework;
using TorchSharp;
using TorchZoo.Data;
using TorchZoo.Data.Operators;
using TorchZoo.Training;
using static TorchSharp.torch;

namespace TorchZoo.Tests.Data.Operators;

public sealed class OperatorDatasetTests
{
    // Numbers that tell where they come from: u of function f is 100 f + sensor, y of triple i is i, the target −i.
    private static TripleDataset Triples(params long[] function) => new(arange(0, 4).unsqueeze(1) * 100 + arange(0, 3), tensor(function),
        arange(0, function.Length).unsqueeze(1), -arange(0, function.Length).unsqueeze(1));

    private static void AssertValues(Tensor actual, long[,] expected) => Assert.That(actual.Equals(tensor(expected)), actual.str());

    [Test]
    public void BatchesGatherTheRows()
    {
        using var scope = NewDisposeScope();
        var data = Triples(3, 0, 0, 2, 3);
        using var batch = (OperatorBatch)data.Take(tensor(new long[] { 4, 1, 3 }));
        Assert.That(batch.Count, Is.EqualTo(3));
        AssertValues(batch.U, new long[,] { { 300, 301, 302 }, { 0, 1, 2 }, { 200, 201, 202 } });
        AssertValues(batch.Y, new long[,] { { 4 }, { 1 }, { 3 } });
        AssertValues(batch.Target, new long[,] { { -4 }, { -1 }, { -3 } });
    }

    [Test]
    public void TriplesAreSplitByFunction()
    {
        using var scope = NewDisposeScope();
        var (first, second) = Triples(3, 0, 1, 2, 3).Split(2);
        Assert.That((first.Functions, first.Count, second.Functions, second.Count), Is.EqualTo((2L, 2L, 2L, 3L)));
        AssertValues(((OperatorBatch)first.Take(arange(0, 2))).Y, new long[,] { { 1 }, { 2 } });
        using var batch = (OperatorBatch)second.Take(arange(0, 3));
        AssertValues(batch.U, new long[,] { { 300, 301, 302 }, { 200, 201, 202 }, { 300, 301, 302 } });
        AssertValues(batch.Y, new long[,] { { 0 }, { 3 }, { 4 } });
        var (none, all) = Triples(3, 0, 1, 2, 3).Split(0);
        Assert.That((none.Count, all.Count), Is.EqualTo((0L, 5L)));
        Assert.That(() => all.Split(5), Throws.InstanceOf<ArgumentException>().With.Property("ParamName").EqualTo("functions"));
    }

    [Test]
    public void ProductsShareTheirLocations()
    {
        using var scope = NewDisposeScope();
        var data = new CartesianProductDataset(rand(5, 3), rand(7, 2), rand(5, 7));
        using (var batch = (OperatorBatch)data.Take(tensor(new long[] { 4, 0 })))
        {
            Assert.That(batch.Count, Is.EqualTo(2));
            Assert.That(batch.Target[0].Equals(data.Target[4]) && batch.U[1].Equals(data.U[0]));
            Assert.That(batch.Y.shape, Is.EqualTo(new long[] { 7, 2 }));
        }
        Assert.That(data.Y.sum().item<float>(), Is.GreaterThan(0)); // a batch's end is not the dataset's
        var (first, second) = data.Split(2);
        Assert.That((first.Count, second.Count), Is.EqualTo((2L, 3L)));
        Assert.That(second.Target.Equals(data.Target[2..]));
        var triples = data.ToTriples();
        Assert.That(triples.Count, Is.EqualTo(35));
        using var one = (OperatorBatch)triples.Take(tensor(new long[] { 3 * 7 + 4 }));
        Assert.That(one.U[0].Equals(data.U[3]) && one.Y[0].Equals(data.Y[4]) && one.Target[0, 0].Equals(data.Target[3, 4]));
    }

    [Test]
    public void ShapesThatDontFitAreRefused()
    {
        using var scope = NewDisposeScope();
        void Refused(Func<object> make, string name) => Assert.That(make, Throws.InstanceOf<ArgumentException>().With.Property("ParamName").EqualTo(name));
        var function = tensor(new long[] { 0, 1, 1 });
        Refused(() => new TripleDataset(rand(2), function, rand(3, 1), rand(3, 1)), "u");
        Refused(() => new TripleDataset(rand(1, 4), function, rand(3, 1), rand(3, 1)), "function"); // number 1 of 1
        Refused(() => new TripleDataset(rand(2, 4), function.to(ScalarType.Int32), rand(3, 1), rand(3, 1)), "function");
        Refused(() => new TripleDataset(rand(2, 4), function, rand(2, 1), rand(3, 1)), "y");
        Refused(() => new TripleDataset(rand(2, 4), function, rand(3, 1), rand(3)), "target");
        Refused(() => TripleDataset.FromFunctions(rand(2, 4), rand(3, 5, 1), rand(2, 5)), "y");
        Refused(() => TripleDataset.FromFunctions(rand(2, 4), rand(2, 5, 1), rand(2, 6)), "target");
        Refused(() => new CartesianProductDataset(rand(5), rand(7, 2), rand(5, 7)), "u");
        Refused(() => new CartesianProductDataset(rand(5, 3), rand(7), rand(5, 7)), "y");
        Refused(() => new CartesianProductDataset(rand(5, 3), rand(7, 2), rand(5, 8)), "target");
        Refused(() => new CartesianProductDataset(rand(5, 3), rand(7, 2), rand(4, 7)), "target");
        Refused(() => new CartesianProductDataset(rand(5, 3), rand(7, 2), rand(5, 7)).Split(-1), "functions");
    }

    // u·w times y, or all pairs of them.
    private sealed class Bilinear : nn.Module<Tensor, Tensor, Tensor>
    {
        private readonly bool _pairs;
        private readonly TorchSharp.Modules.Linear _weights;

        public Bilinear(bool pairs, long sensors) : base(nameof(Bilinear))
        {
            _pairs = pairs;
            _weights = nn.Linear(sensors, 1);
            RegisterComponents();
        }

        public override Tensor forward(Tensor u, Tensor y) => _pairs ? _weights.forward(u).matmul(y.t()) : _weights.forward(u) * y;
    }

    [TestCase(false)]
    [TestCase(true)]
    public void TheStepTrainsTwoInputModules(bool pairs)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(1);
        var u = randn([64, 3], generator: generator);
        var product = new CartesianProductDataset(u, rand([6, 1], generator: generator), zeros(64, 6));
        product.Target.copy_(u.select(1, 0).unsqueeze(1) * product.Y.t() * 2);
        var (train, validation) = pairs ? ((IDataset)product.Split(48).First, (IDataset)product.Split(48).Second)
            : (product.ToTriples().Split(48).First, product.ToTriples().Split(48).Second);
        random.manual_seed(3);
        using var model = new Bilinear(pairs, 3);
        var trainer = new Trainer(model, new TrainerOptions { Epochs = 30, BatchSize = 16 })
        {
            Optimizer = p => optim.Adam(p, 0.05),
            Step = Steps.SupervisedOperator((a, b) => (a - b).square().mean(), ("mean_abs", (a, b) => (a - b).abs().mean())),
        };
        var result = trainer.Fit(train, validation);
        Assert.That(result.History[^1].Training["loss"], Is.LessThan(1e-3));
        Assert.That(result.History[^1].Validation["loss"], Is.LessThan(1e-3));
        Assert.That(result.History[^1].Validation["mean_abs"], Is.LessThan(0.03));
    }

    [Test]
    public void PredictionsOfAnotherShapeAreRefused()
    {
        using var scope = NewDisposeScope();
        using var model = new Bilinear(pairs: true, 3); // (batch, batch) would broadcast against (batch, 1)
        var trainer = new Trainer(model, new TrainerOptions { Epochs = 1, BatchSize = 4 }) { Step = Steps.SupervisedOperator((a, b) => (a - b).square().mean()) };
        var data = new CartesianProductDataset(rand(5, 3), rand(7, 1), rand(5, 7)).ToTriples();
        Assert.That(() => trainer.Fit(data), Throws.InnerException.InstanceOf<ArgumentException>().And.Message.Contains("target's shape"));
    }
}

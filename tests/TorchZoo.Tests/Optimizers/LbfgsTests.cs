using NUnit.Framework;
using TorchSharp;
using TorchSharp.Modules;
using TorchZoo.Checkpoints;
using TorchZoo.Data;
using TorchZoo.Optimizers;
using TorchZoo.Testing;
using TorchZoo.Training;
using static TorchSharp.torch;

namespace TorchZoo.Tests.Optimizers;

public class LbfgsTests
{
    private DisposeScope _scope = null!;

    [SetUp]
    public void Open() => _scope = NewDisposeScope();

    [TearDown]
    public void Close() => _scope.Dispose();

    // Made by torch.optim.LBFGS(lr=1, max_iter=1, line_search_fn='strong_wolfe') of torch 1.13.
    [Test]
    public void TheIteratesArePyTorchs()
    {
        double[][] expected =
        [
            [-1.0245319303460325, 1.0716196202669255],
            [-1.0284565745562346, 1.068187455748677],
            [-1.0288795348319695, 1.0655029516848564],
            [-1.0276177663827242, 1.0584120782656612],
            [-1.0203084803940978, 1.0352769866467468],
            [-0.9970310351680055, 0.9755913846740084],
            [-0.9431278012083242, 0.8529662725410918],
            [-0.8802131649658734, 0.7274772060719978],
        ];
        var x = Start(-1.2, 1);
        using var optimizer = new Lbfgs([x], maxIter: 1);
        foreach (var point in expected)
        {
            optimizer.step(() => Rosenbrock(optimizer, x));
            Assert.That(x.data<double>().ToArray(), Is.EqualTo(point).Within(1e-9));
        }
    }

    // The same with lr=1e-3 and without a line search.
    [Test]
    public void WithoutALineSearchTheyAreToo()
    {
        double[][] expected =
        [
            [-1.1992898550724638, 1.0002898550724637],
            [-1.1991490212039868, 1.0003531368648255],
            [-1.1990098705121806, 1.0004214247845],
            [-1.1988724606313343, 1.0004946025355945],
        ];
        var x = Start(-1.2, 1);
        using var optimizer = new Lbfgs([x], 1e-3, 1, strongWolfe: false);
        foreach (var point in expected)
        {
            optimizer.step(() => Rosenbrock(optimizer, x));
            Assert.That(x.data<double>().ToArray(), Is.EqualTo(point).Within(1e-12));
        }
    }

    [Test]
    public void ItFindsMinima()
    {
        var x = Start(-1.2, 1);
        using (var optimizer = new Lbfgs([x], maxIter: 100, toleranceGrad: 1e-12, toleranceChange: 0))
            optimizer.step(() => Rosenbrock(optimizer, x));
        Assert.That(x.data<double>().ToArray(), Is.EqualTo(new double[] { 1, 1 }).Within(1e-8));

        using var generator = new Generator(2);
        var m = randn([30, 30], ScalarType.Float64, generator: generator);
        var a = m.matmul(m.t()) + eye(30, dtype: ScalarType.Float64);
        var solution = randn([30, 1], ScalarType.Float64, generator: generator);
        Parameter first = new(zeros(10, 1, ScalarType.Float64)), second = new(zeros(20, 1, ScalarType.Float64));
        using var two = new Lbfgs([first, second], maxIter: 500, toleranceGrad: 1e-11, toleranceChange: 0, historySize: 30);
        for (var i = 0; i < 3; i++)
            two.step(() =>
            {
                two.zero_grad();
                // Zero at the minimum: beside a large number the last decreases would be rounded away, and no line search could see them.
                var y = cat([first, second]) - solution;
                var loss = (y * a.matmul(y)).sum() / 2;
                loss.backward();
                return loss;
            });
        Assert.That((cat([first, second]) - solution).abs().max().item<double>(), Is.LessThan(1e-8));
    }

    [Test]
    public void EveryStepMeetsTheWolfeConditions()
    {
        var x = Start(-1.2, 1);
        using var optimizer = new Lbfgs([x], maxIter: 1);
        for (var i = 0; i < 25; i++)
        {
            var (f0, g0, x0) = (Rosenbrock(optimizer, x).item<double>(), x.grad!.clone(), x.detach().clone());
            optimizer.step(() => Rosenbrock(optimizer, x));
            var (f1, g1) = (Rosenbrock(optimizer, x).item<double>(), x.grad!.clone());
            var step = x.detach() - x0;
            double before = g0.dot(step).item<double>(), after = g1.dot(step).item<double>();
            Assert.That(f1, Is.LessThanOrEqualTo(f0 + 1e-4 * before), $"decrease {i}");
            Assert.That(Math.Abs(after), Is.LessThanOrEqualTo(0.9 * Math.Abs(before)), $"curvature {i}");
        }
    }

    [Test]
    public void StepsOutOfTheDomainAreShortened()
    {
        var x = Start(0.1, 3);
        using var optimizer = new Lbfgs([x], lr: 100, maxIter: 60);
        optimizer.step(() =>
        {
            optimizer.zero_grad();
            var loss = (x - x.log()).sum();
            loss.backward();
            return loss;
        });
        Assert.That(x.data<double>().ToArray(), Is.EqualTo(new double[] { 1, 1 }).Within(1e-4));
    }

    [Test]
    public void ItGoesOnFromItsState()
    {
        var x = Start(-1.2, 1);
        using var optimizer = new Lbfgs([x], maxIter: 3);
        for (var i = 0; i < 4; i++) optimizer.step(() => Rosenbrock(optimizer, x));
        using var folder = new TemporaryFolder();
        PyTorchFile.Save(folder["o.pt"], OptimizerStateDict.Save(optimizer));
        var y = new Parameter(x.detach().clone());
        using var again = new Lbfgs([y], maxIter: 3);
        OptimizerStateDict.Load(again, (PyDict)PyTorchFile.Load(folder["o.pt"])!);
        for (var i = 0; i < 3; i++)
        {
            optimizer.step(() => Rosenbrock(optimizer, x));
            again.step(() => Rosenbrock(again, y));
            Assert.That(y.data<double>().ToArray(), Is.EqualTo(x.data<double>().ToArray()).Within(1e-12));
        }
        using var other = new Lbfgs([new Parameter(zeros(3, ScalarType.Float64))]);
        Assert.That(() => OptimizerStateDict.Load(other, OptimizerStateDict.Save(optimizer)), Throws.InstanceOf<InvalidDataException>());
    }

    [Test]
    public void ATrainerTrainsWithIt()
    {
        using var generator = new Generator(3);
        var x = randn([50, 3], generator: generator);
        var model = nn.Linear(3, 1);
        var trainer = new Trainer(model, new TrainerOptions { Epochs = 5, BatchSize = 50 })
        {
            Optimizer = p => new Lbfgs(p),
            Step = Steps.SupervisedClosure((a, b) => (a - b).square().mean()),
        };
        trainer.Fit(new PairDataset(x, x.sum([1], keepdim: true) + 2));
        Assert.That(model.bias!.item<float>(), Is.EqualTo(2).Within(1e-3));
    }

    [Test]
    public void BadInputIsRefused()
    {
        var x = Start(1, 1);
        using var optimizer = new Lbfgs([x]);
        Assert.Multiple(() =>
        {
            Assert.That(() => new Lbfgs([]), Throws.ArgumentException);
            Assert.That(() => new Lbfgs([x, x]), Throws.ArgumentException);
            Assert.That(() => new Lbfgs([x], 0), Throws.InstanceOf<ArgumentException>());
            Assert.That(() => new Lbfgs([x], maxIter: 0), Throws.InstanceOf<ArgumentException>());
            Assert.That(() => new Lbfgs([x, new Parameter(zeros(2, ScalarType.Float32))]), Throws.ArgumentException);
            Assert.That(() => optimizer.step(), Throws.ArgumentNullException);
        });
    }

    private static Parameter Start(params double[] at) => new(tensor(at, ScalarType.Float64));

    private static Tensor Rosenbrock(Lbfgs optimizer, Tensor x)
    {
        optimizer.zero_grad();
        var loss = (1 - x[0]).square() + 100 * (x[1] - x[0].square()).square();
        loss.backward();
        return loss;
    }
}

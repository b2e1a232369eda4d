using CsCheck;
using NUnit.Framework;
using TorchSharp;
using TorchZoo.Models.Neurons;
using TorchZoo.Testing;
using static TorchSharp.torch;

namespace TorchZoo.Models.Tests;

public class PolynomialRegressionTests
{
    private static Tensor Normal(Generator generator, params long[] shape) => randn(shape, ScalarType.Float64, generator: generator);

    private static double Worst(Tensor a, Tensor b) => (a - b).abs().max().item<double>();

    [TestCase(16, 2, 152)]
    [TestCase(30, 2, 495)]
    [TestCase(10, 3, 285)]
    [TestCase(1, 5, 5)]
    public void Counts(long p, int degree, long count) => Assert.That(new PolynomialFeatures(p, degree).Count, Is.EqualTo(count));

    [Test]
    public void OrderIsScikitLearns()
    {
        using var scope = NewDisposeScope();
        var features = new PolynomialFeatures(2, 3);
        Assert.That(features.NamesOf(["a", "b"]), Is.EqualTo(new[] { "a", "b", "a^2", "a b", "b^2", "a^3", "a^2 b", "a b^2", "b^3" }));
        Assert.That(features.Transform(tensor(new[] { 2.0, 3 })).data<double>().ToArray(),
            Is.EqualTo(new[] { 2.0, 3, 4, 6, 9, 8, 12, 18, 27 }).Within(1e-12));
        Assert.That(features.Exponents().shape, Is.EqualTo(new long[] { 9, 2 }));
        Assert.That(new PolynomialFeatures(3, 3, 1).Names, Is.EqualTo(new[]
        {
            "x0", "x1", "x2", "x0^2", "x1^2", "x2^2", "x0^3", "x1^3", "x2^3",
        }));
        Assert.That(new PolynomialFeatures(3, 3, 2).Names, Does.Not.Contain("x0 x1 x2").And.Contain("x0^2 x1"));
    }

    [Test]
    public void DummiesHaveNoPowersAndNoProductsWithinACategory()
    {
        Assert.That(new PolynomialFeatures(3, 2, isDummy: [false, false, true]).NamesOf(["a", "b", "d"]),
            Is.EqualTo(new[] { "a", "b", "d", "a^2", "a b", "a d", "b^2", "b d" }));
        Assert.That(new PolynomialFeatures(4, 2, isDummy: [false, true, true, true], groups: [-1, 0, 0, 1]).NamesOf(["a", "p", "q", "r"]),
            Is.EqualTo(new[] { "a", "p", "q", "r", "a^2", "a p", "a q", "a r", "p r", "q r" }));
    }

    [Test, Category("Property")]
    public void MonomialsAreTheirExponents() => Gen.Select(Gen.Int[1, 5], Gen.Int[1, 4], Gen.Int[1, 4], Gen.Int[0, 3], Gen.UInt)
        .Sample((p, degree, interaction, rows, seed) =>
        {
            using var scope = NewDisposeScope();
            using var generator = new Generator(seed);
            var features = new PolynomialFeatures(p, degree, Math.Min(interaction, degree));
            var x = Normal(generator, rows, p);
            var direct = x.unsqueeze(1).pow(features.Exponents()).prod(-1);
            var exponents = features.Exponents();
            return features.Transform(x).allclose(direct, 1e-9, 1e-12)
                && exponents.sum(1).max().item<long>() <= degree
                && exponents.gt(0).sum(1).max().item<long>() <= Math.Min(interaction, degree)
                && features.Names.Distinct().Count() == features.Count;
        }, iter: 60, threads: 1);

    [Test]
    public void PolynomialsAreRecovered([Values] bool standardize, [Values] bool components)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(1);
        static Tensor Truth(Tensor x) => stack([
            1 + 2 * x.select(1, 0) - x.select(1, 1) * x.select(1, 2) + 0.5 * x.select(1, 2).pow(3),
            x.select(1, 0).square() - 3,
        ], 1);
        Tensor x = Normal(generator, 100, 3) * 2 + 1, unseen = Normal(generator, 50, 3) * 2 + 1;
        using var regressor = new PolynomialRegressor(3, standardize: standardize, pca: components ? PcaOption.Of(3) : null);
        Assert.That(Worst(regressor.Fit(x, Truth(x)).Predict(unseen), Truth(unseen)), Is.LessThan(1e-6));
        if (standardize || components) return;
        Assert.That(Worst(regressor.Predict(unseen), Truth(unseen)), Is.LessThan(1e-8));
        var terms = regressor.Terms(3, columns: ["a", "b", "c"]);
        Assert.That(terms.Select(t => t.Name), Is.EqualTo(new[] { "a", "b c", "c^3" }));
        Assert.That(terms.Select(t => t.Coefficient), Is.EqualTo(new[] { 2, -1, 0.5 }).Within(1e-8));
        Assert.That(regressor.Model.Coefficients[0, 0].item<double>(), Is.EqualTo(1).Within(1e-8));
    }

    [Test]
    public void WithMoreMonomialsThanExamplesTheSmallestFitIsTaken()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(2);
        Tensor x = Normal(generator, 12, 4), y = Normal(generator, 12, 2);
        using var regressor = new PolynomialRegressor(3, standardize: false);
        regressor.Fit(x, y);
        Assert.That(regressor.Model.IsUnderdetermined);
        var f = regressor.Model.Transform(x);
        var centred = f - f.mean([0]);
        var beta = linalg.pinv(centred).matmul(y - y.mean([0]));
        Assert.That(Worst(regressor.Model.Coefficients[1..], beta), Is.LessThan(1e-8));
        Assert.That(Worst(regressor.Predict(x), y), Is.LessThan(1e-8));
        using var nearly = new PolynomialRegressor(3, 1e-10, standardize: false);
        Assert.That(Worst(nearly.Fit(x, y).Model.Coefficients, regressor.Model.Coefficients), Is.LessThan(1e-8));
    }

    [TestCase(60)]
    [TestCase(12)]
    public void NormalEquations(int n)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(3);
        const double ridge = 0.7;
        Tensor x = Normal(generator, n, 4), y = Normal(generator, n);
        using var regressor = new PolynomialRegressor(2, ridge);
        regressor.Fit(x, y);
        using var off = no_grad();
        var residual = regressor.Predict(x).squeeze(1) - y;
        var gradient = regressor.Model.Transform(x).t().matmul(residual) + ridge * regressor.Model.Coefficients[1..].squeeze(1);
        Assert.That(gradient.abs().max().item<double>(), Is.LessThan(1e-9));
        Assert.That(residual.sum().item<double>(), Is.Zero.Within(1e-9), "the intercept is free");
    }

    [Test]
    public void StandardisingAndRotatingChangeNoPrediction()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(4);
        var x = Normal(generator, 80, 4) * tensor(new[] { 1, 20, 0.1, 3 }) + 5;
        var y = Normal(generator, 80);
        Tensor Prediction(bool standardize, PcaOption? pca)
        {
            using var regressor = new PolynomialRegressor(2, 0, standardize, pca);
            return regressor.Fit(x, y).Predict(x);
        }
        var plain = Prediction(false, null);
        Assert.That(Worst(Prediction(true, null), plain), Is.LessThan(1e-6));
        Assert.That(Worst(Prediction(true, PcaOption.Of(4)), plain), Is.LessThan(1e-6));
        Assert.That(Worst(Prediction(false, PcaOption.Explaining(1)), plain), Is.LessThan(1e-6));
    }

    [Test]
    public void ComponentsAreOrderedAndOfOneScale()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(5);
        var x = Normal(generator, 300, 3).matmul(tensor(new double[,] { { 5, 1, 0 }, { 0, 1, 0 }, { 0, 0, 0.1 } }));
        using var regressor = new PolynomialRegressor(1, 0, standardize: false, PcaOption.Explaining(0.9));
        regressor.Fit(x, x.select(1, 0));
        Assert.That(regressor.Model.Config.Components, Is.EqualTo(1), "the first has more than nine tenths");
        Assert.That(regressor.Model.Transform(x).std(0, unbiased: false).item<double>(), Is.EqualTo(1).Within(1e-9));
        using var two = new PolynomialRegressor(1, 0, standardize: false, PcaOption.Of(2));
        var scores = two.Fit(x, x.select(1, 0)).Model.Transform(x);
        Assert.That(scores.select(1, 0).dot(scores.select(1, 1)).item<double>() / 300, Is.Zero.Within(1e-9));
        Assert.That(scores.select(1, 1).std().item<double>(), Is.LessThan(0.5));
    }

    [Test]
    public void ConstantColumnsTakeNoPart([Values] bool standardize)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(6);
        var x = cat([Normal(generator, 40, 2), full([40, 1], 7.0, ScalarType.Float64)], 1);
        var y = x.select(1, 0) * x.select(1, 1);
        using var regressor = new PolynomialRegressor(2, standardize: standardize);
        regressor.Fit(x, y);
        var names = regressor.Model.Features.Names;
        var values = regressor.Model.Coefficients[1..].squeeze(1).data<double>().ToArray();
        Assert.That(names.Zip(values).Where(t => t.First.Contains("x2", StringComparison.Ordinal)).Select(t => t.Second),
            Is.All.Zero.Within(1e-12));
        Assert.That(Worst(regressor.Predict(x).squeeze(1), y), Is.LessThan(1e-9));
    }

    [Test]
    public void PredictionsCanBeKeptFromExtrapolating()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(7);
        var x = Normal(generator, 50, 1);
        using var regressor = new PolynomialRegressor(new PolynomialOptions { Degree = 3, Clamp = 4 });
        regressor.Fit(x, x.pow(3));
        var far = regressor.Predict(tensor(new double[,] { { 50 }, { 100 } }));
        Assert.That(far[0, 0].item<double>(), Is.EqualTo(far[1, 0].item<double>()).Within(1e-9));
        Assert.That(far[0, 0].item<double>(), Is.LessThan(200));
    }

    [Test]
    public void ClassifiersLearnACircle([Values] PolynomialClassifierMethod method)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(8);
        static Tensor Label(Tensor x) => x.norm(1).gt(1).to(ScalarType.Int64) + x.norm(1).gt(1.7).to(ScalarType.Int64);
        Tensor x = Normal(generator, 400, 2), unseen = Normal(generator, 400, 2);
        using var classifier = new PolynomialClassifier(4, method, 1e-3);
        classifier.Fit(x, Label(x));
        var accuracy = classifier.Predict(unseen).eq(Label(unseen)).to(ScalarType.Float64).mean().item<double>();
        Assert.That(accuracy, Is.GreaterThan(method is PolynomialClassifierMethod.LeastSquares ? 0.8 : 0.9));
        var scores = classifier.Scores(unseen);
        Assert.That(scores.shape, Is.EqualTo(new long[] { 400, 3 }));
        if (method == PolynomialClassifierMethod.Multinomial)
            Assert.That(Worst(scores.sum(1), ones(400, ScalarType.Float64)), Is.LessThan(1e-9));
        if (method == PolynomialClassifierMethod.AllVersusAll)
            Assert.That(Worst(scores.sum(1), full([400], 3.0, ScalarType.Float64)), Is.LessThan(1e-9), "a vote a pair");
        using var linear = new PolynomialClassifier(1, method, 1e-3);
        Assert.That(linear.Fit(x, Label(x)).Predict(unseen).eq(Label(unseen)).to(ScalarType.Float64).mean().item<double>(),
            Is.LessThan(0.6));
    }

    [Test]
    public void LogisticRegressionsAreAtTheirMinimum()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(9);
        var x = Normal(generator, 60, 2);
        var labels = (x.select(1, 0) + Normal(generator, 60)).gt(0).to(ScalarType.Int64);
        using var classifier = new PolynomialClassifier(2, PolynomialClassifierMethod.OneVersusAll, 0.5);
        classifier.Fit(x, labels);
        var f = classifier.Model.Transform(x);
        var target = nn.functional.one_hot(labels, 2).to(ScalarType.Float64);
        var off = classifier.Scores(x) - target;
        var gradient = f.t().matmul(off) + 2 * 0.5 * classifier.Model.Coefficients.detach()[1..];
        Assert.That(gradient.abs().max().item<double>(), Is.LessThan(1e-4));
    }

    [Test]
    public void StepwiseSelectionFindsTheTerms()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(10);
        var x = Normal(generator, 500, 5);
        Tensor a = x.select(1, 0), b = x.select(1, 1);
        var y = 2 * a - b.square() + 3 * a * b + 0.1 * Normal(generator, 500);
        var selection = new ForwardStepwisePolynomial(seed: 1).Fit(x, y);
        Assert.That(selection.Terms, Is.EquivalentTo(new[] { "x0", "x1^2", "x0 x1" }));
        Assert.That(selection.Score, Is.GreaterThan(0.99));
        Assert.That((selection.Predict(x).squeeze(1) - y).square().mean().sqrt().item<double>(), Is.LessThan(0.12));
        Assert.That(selection.Coefficients.GetLength(0), Is.EqualTo(4));
        var classes = new ForwardStepwisePolynomial(seed: 1).FitClasses(x, (a * b).gt(0).to(ScalarType.Int64));
        Assert.That(classes.Terms[0], Is.EqualTo("x0 x1"));
        Assert.That(classes.Score, Is.GreaterThan(0.95));
    }

    [Test]
    public void VarianceInflation()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(11);
        var q = Numerics.RandomOrthogonal.Matrix(200, 4, generator);
        // Orthogonal to one another and to the constant.
        var columns = linalg.qr(cat([ones(200, 1, ScalarType.Float64), q], 1)).Q[.., 1..] * 50;
        Assert.That(Worst(LayerCollinearity.Factors(columns), ones(4, ScalarType.Float64)), Is.LessThan(1e-6));
        const double rho = 0.95;
        var pair = stack([columns.select(1, 0), rho * columns.select(1, 0) + Math.Sqrt(1 - rho * rho) * columns.select(1, 1)], 1);
        Assert.That(Worst(LayerCollinearity.Factors(pair), full([2], 1 / (1 - rho * rho), ScalarType.Float64)), Is.LessThan(1e-5));
        Assert.That(LayerCollinearity.Factors(cat([pair, zeros(200, 1, ScalarType.Float64)], 1)).shape[0], Is.EqualTo(2),
            "dead units don't count");

        using var net = nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 2));
        var x = randn([300, 4], generator: generator);
        var reports = LayerCollinearity.Of(net, x);
        Assert.That(reports.Select(r => r.Name), Is.EqualTo(new[] { "2", "4", "output" }));
        using var off = no_grad();
        var modules = net.children().Cast<nn.Module<Tensor, Tensor>>().ToArray();
        var factors = LayerCollinearity.Factors(modules[1].call(modules[0].call(x)));
        Assert.That(reports[0].Mean, Is.EqualTo(factors.mean().item<double>()).Within(1e-9));
        Assert.That(reports[2].Units, Is.EqualTo(2));
        Assert.That(reports[0].ShareAbove10, Is.EqualTo(factors.gt(10).to(ScalarType.Float64).mean().item<double>()).Within(1e-9));
    }

    [Test]
    public void ANetworkOfPolynomialsIsOne()
    {
        using var scope = NewDisposeScope();
        using var off = no_grad();
        using var generator = new Generator(12);
        using var one = nn.Sequential(nn.Linear(3, 4), new PolynomialActivation(0, 0, 1), nn.Linear(4, 2));
        using var two = nn.Sequential(nn.Linear(3, 4), new PolynomialActivation(0, 0, 1), nn.Linear(4, 3),
            new PolynomialActivation(0.5, -1, 2),
            nn.Linear(3, 2, hasBias: false));
        foreach (var (net, degree) in new[] { (one, 2), (two, 4) })
        {
            foreach (var parameter in net.parameters()) parameter.normal_(0, 0.6, generator);
            net.to(ScalarType.Float64);
            var polynomial = NetworkPolynomial.Exact(net);
            var x = Normal(generator, 20, 3);
            Assert.That(polynomial.Degree, Is.EqualTo(degree));
            Assert.That(Worst(polynomial.Evaluate(x), net.call(x)), Is.LessThan(1e-10));
            Assert.That(polynomial.Exponents, Has.Count.EqualTo(new PolynomialFeatures(3, degree).Count + 1));
            Assert.That(polynomial.Terms(3), Has.Count.EqualTo(3));
        }
    }

    [Test]
    public void APolynomialActivationsGradients()
    {
        using var scope = NewDisposeScope();
        using var activation = new PolynomialActivation(1, -2, 0.5, 3);
        var x = tensor(new[] { -1.5, 0, 0.3, 2 });
        Assert.That(Worst(activation.call(x), 1 - 2 * x + 0.5 * x.square() + 3 * x.pow(3)), Is.LessThan(1e-12));
        GradCheck.Run(inputs => [activation.call(inputs[0]!)], [x], secondOrder: true);
    }

    [Test]
    public void OtherActivationsAreApproximated()
    {
        using var scope = NewDisposeScope();
        using var off = no_grad();
        using var generator = new Generator(13);
        using var units = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 3));
        units.to(ScalarType.Float64);
        var parts = units.children().ToArray();
        ((TorchSharp.Modules.Linear)parts[2]).weight!.copy_(eye(3));
        ((TorchSharp.Modules.Linear)parts[2]).bias!.zero_();
        var first = (TorchSharp.Modules.Linear)parts[0];
        first.weight!.uniform_(-0.4, 0.4, generator);
        first.bias!.uniform_(-0.2, 0.2, generator);
        var x = rand([500, 2], ScalarType.Float64, generator: generator) * 2 - 1;
        Assert.That(first.call(x).abs().max().item<double>(), Is.LessThan(1));
        var polynomial = NetworkPolynomial.Approximate(units, x, 3);
        Assert.That(polynomial.Degree, Is.EqualTo(3));
        Assert.That(Worst(polynomial.Evaluate(x), units.call(x)), Is.LessThan(0.02));
        Assert.That(Worst(NetworkPolynomial.Approximate(units, x, 7).Evaluate(x), units.call(x)), Is.LessThan(1e-4));
        Assert.That(NetworkPolynomial.Approximate(units, x, 5, maxDegree: 2).Degree, Is.EqualTo(2));
    }

    [Test]
    public void TheModuleIsItsPartsAndCanBeTrained()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(14);
        var config = new PolynomialRegressionConfig { InFeatures = 3, OutFeatures = 2, Degree = 2, Components = 2 };
        using var model = new PolynomialRegression(config);
        var x = Normal(generator, 30, 3);
        model.Fit(x, Normal(generator, 30, 2));
        Assert.That(model.state_dict().Keys, Is.EquivalentTo(new[]
        {
            "coefficients", "exponents", "mean", "std", "pca.mean", "pca.components", "pca.scale",
        }));
        Assert.That(model.state_dict()["exponents"].shape, Is.EqualTo(new long[] { 5, 2 }));
        var state = model.state_dict();
        var scores = ((x - state["mean"]) / state["std"] - state["pca.mean"]).matmul(state["pca.components"].t()) / state["pca.scale"];
        Assert.That(Worst(model.Transform(x), new PolynomialFeatures(2).Transform(scores)), Is.LessThan(1e-12));
        Assert.That(Worst(model.call(x), model.Transform(x).matmul(model.Coefficients[1..]) + model.Coefficients[0]), Is.LessThan(1e-12));
        Assert.That(model.call(x.reshape(5, 6, 3)).shape, Is.EqualTo(new long[] { 5, 6, 2 }));
        GradCheck.Run(inputs => [model.call(inputs[0]!)], [x[..2]]);
        GradCheck.Parameters(model, () => model.call(x[..4]));
    }

    [Test]
    public void BadInput()
    {
        using var scope = NewDisposeScope();
        using var regressor = new PolynomialRegressor();
        using var classifier = new PolynomialClassifier();
        using var relu = nn.Sequential(nn.Linear(2, 2), nn.ReLU());
        var nan = full([5, 2], double.NaN);
        Assert.Multiple(() =>
        {
            Assert.That(() => regressor.Predict(zeros(2, 3)), Throws.InvalidOperationException);
            Assert.That(() => classifier.Scores(zeros(2, 3)), Throws.InvalidOperationException);
            Assert.That(() => regressor.Terms(3), Throws.InvalidOperationException);
            Assert.That(() => new ForwardStepwisePolynomial().Predict(zeros(2, 3)), Throws.InvalidOperationException);
            Assert.That(() => regressor.Fit(nan, zeros(5)), Throws.ArgumentException.With.Message.Contains("finite"));
            Assert.That(() => regressor.Fit(zeros(5, 2), zeros(4)), Throws.ArgumentException);
            Assert.That(() => regressor.Fit(zeros(0, 2), zeros(0)), Throws.ArgumentException);
            Assert.That(() => classifier.Fit(zeros(5, 2), zeros(5)), Throws.ArgumentException);
            Assert.That(() => classifier.Fit(zeros(5, 2), zeros(5, ScalarType.Int64)), Throws.ArgumentException);
            Assert.That(() => new PolynomialRegressor(0), Throws.InstanceOf<ArgumentException>());
            Assert.That(() => new PolynomialRegressor(2, -1), Throws.InstanceOf<ArgumentException>());
            Assert.That(() => new PolynomialRegressor(new PolynomialOptions { Degree = 2, InteractionDegree = 3 }),
                Throws.InstanceOf<ArgumentException>());
            Assert.That(() => new PolynomialRegressor(pca: PcaOption.Of(3)).Fit(zeros(5, 2), zeros(5)), Throws.ArgumentException);
            Assert.That(() => PcaOption.Explaining(0), Throws.InstanceOf<ArgumentException>());
            Assert.That(() => new PolynomialFeatures(64, 6), Throws.ArgumentException.With.Message.Contains("131,115,984"));
            Assert.That(() => new PolynomialFeatures(2, 2, isDummy: [true]), Throws.ArgumentException);
            Assert.That(() => new PolynomialFeatures(2).Transform(zeros(3)), Throws.ArgumentException);
            Assert.That(() => new ForwardStepwisePolynomial(2, 3), Throws.InstanceOf<ArgumentException>());
            Assert.That(() => LayerCollinearity.Factors(zeros(3)), Throws.ArgumentException);
            Assert.That(() => LayerCollinearity.Of(relu, zeros(3, 2)), Throws.ArgumentException);
            Assert.That(() => NetworkPolynomial.Exact(relu), Throws.ArgumentException.With.Message.Contains("polynomial"));
            Assert.That(() => new PolynomialActivation(), Throws.ArgumentException);
            Assert.That(() => new PolynomialRegression(new PolynomialRegressionConfig { InFeatures = 3, Components = 4 }),
                Throws.InstanceOf<ArgumentException>());
        });
    }
}

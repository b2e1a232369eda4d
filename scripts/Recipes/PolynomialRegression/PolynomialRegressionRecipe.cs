using System.Globalization;
using System.IO.Compression;
using TorchSharp;
using TorchZoo.Data;
using TorchZoo.Data.Images;
using TorchZoo.Models.Neurons;
using TorchZoo.Optimizers;
using TorchZoo.Reports;
using TorchZoo.Training;
using static TorchSharp.torch;

namespace TorchZoo.Scripts.Recipes;

/// <summary>Polynomials against perceptrons on small digits and, with <c>--data</c>, on three tables; and how collinear a perceptron's
/// units are from layer to layer.</summary>
[Recipe(Name)]
public sealed class PolynomialRegressionRecipe : Recipe
{
    internal const string Name = "polynomial-regression";

    private const double Ridge = 1e-3;

    /// <inheritdoc/>
    public override Claim Run(RecipeContext context)
    {
        using var scope = NewDisposeScope();
        var setting = Setting.Of(context);
        using var images = setting.Load(context);
        var splits = Splits(context, setting, images).ToArray();
        var (polynomials, perceptron) = RunDigits(context, setting, images.Title, splits);
        var reports = RunCollinearity(context, setting, splits[0]);
        var tables = context.Data is { } folder && context.Size != RunSize.Full ? RunTables(context, setting, folder) : [];
        if (context.Data is null) context.Output.Note("tables", "left out; --data FOLDER with scikit-learn's data files runs them");
        DrawDigits(context, polynomials, perceptron);
        return Judge(polynomials, perceptron, reports, tables);
    }

    /// <inheritdoc/>
    public override Claim? Evaluate(EvaluateContext context)
    {
        using var scope = NewDisposeScope();
        var of = context.WithSizeAndSeedOfTraining();
        var setting = Setting.Of(of);
        using var images = setting.Load(of with { Data = context.Size == RunSize.Full ? context.Data : null });
        using var network = Zoo.Load<PolynomialRegression>(context.Checkpoint);
        network.to(context.Device);
        var test = Splits(of, setting, images).First().Test;
        var trainer = new Trainer(network, context.TrainerOptions(null)) { Step = Contest.Classification };
        context.Output.Table(images.Title, ["model", "test accuracy"],
            [[context.Checkpoint.ModelName!, trainer.Evaluate(test)[Contest.Accuracy]]]);
        return null;
    }

    private static IEnumerable<(PairDataset Train, PairDataset Test)> Splits(RecipeContext context, Setting setting, LabelledImages images)
    {
        if (context.Size == RunSize.Full)
        {
            yield return (Flat(images.Train), Flat(images.Test));
            yield break;
        }
        var (x, y) = (cat([images.Train.Inputs, images.Test.Inputs]).flatten(1), cat([images.Train.Targets, images.Test.Targets]));
        for (var i = 0; i < setting.Splits; i++) yield return Split(x, y, (int)images.Test.Count, context.Seed + (ulong)i);

        static PairDataset Flat(PairDataset set) => new(set.Inputs.flatten(1), set.Targets);
    }

    private static (PairDataset Train, PairDataset Test) Split(Tensor x, Tensor y, int test, ulong seed)
    {
        using var generator = new Generator(seed);
        var order = randperm(x.shape[0], generator: generator);
        var train = (int)x.shape[0] - test;
        return (new PairDataset(x[order[..train]], y[order[..train]]), new PairDataset(x[order[train..]], y[order[train..]]));
    }

    // Run A: polynomials of principal components, by least squares on one-hot classes.
    private static (Entry[] Polynomials, Entry Perceptron) RunDigits(RecipeContext context, Setting setting, string title,
        (PairDataset Train, PairDataset Test)[] splits)
    {
        Entry[] polynomials = [.. setting.Polynomials.Select(p =>
        {
            var columns = 0L;
            var clock = System.Diagnostics.Stopwatch.StartNew();
            double[] accuracies = [.. splits.Select(s =>
            {
                context.Cancellation.ThrowIfCancellationRequested();
                using var scope = NewDisposeScope();
                using var classifier = new PolynomialClassifier(p.Degree, ridge: Ridge, standardize: false,
                    pca: PcaOption.Of(p.Components));
                classifier.Fit(s.Train.Inputs.to(context.Device), s.Train.Targets.to(context.Device));
                columns = classifier.Model.Features.Count + 1;
                return Accuracy(classifier.Predict(s.Test.Inputs.to(context.Device)), s.Test.Targets);
            })];
            return new Entry($"degree {p.Degree}, PCA {p.Components}", columns, accuracies, clock.Elapsed.TotalSeconds / splits.Length);
        })];
        var hidden = splits[0].Train.Inputs.shape[1] == 64 ? 64 : 256;
        var timer = System.Diagnostics.Stopwatch.StartNew();
        var inputs = splits[0].Train.Inputs.shape[1];
        Contender[] contenders = [.. splits.Select((split, i) =>
            Networks(context with { Seed = context.Seed + (ulong)i }, split, 200, setting.Epochs)
            .Run($"MLP, split {i}", () => Perceptron(inputs, [hidden], 10)))];
        var perceptron = new Entry($"MLP {inputs}-{hidden}-10", contenders[0].Parameters,
            [.. contenders.Select(c => c.Mean)], timer.Elapsed.TotalSeconds / splits.Length);
        var tuned = Tuned(context, setting, splits[0]);
        context.Output.Table($"{title}, test accuracy",
            ["model", "columns or weights", .. splits.Select((_, i) => $"split {i}"), "mean", "seconds"],
            [.. polynomials.Append(perceptron).Select(e => (object[])[e.Name, e.Size, .. e.Values.Cast<object>(), e.Mean, e.Seconds])]);
        context.Output.Note($"{setting.Own} of split 0 after five epochs of cross-entropy", tuned.Mean);
        return (polynomials, perceptron);
    }

    // Closed form first, then probabilities: this is the network of the run's checkpoint.
    private static Contender Tuned(RecipeContext context, Setting setting, (PairDataset Train, PairDataset Test) split)
    {
        var options = setting.Polynomials.Single(p => $"degree {p.Degree}, PCA {p.Components}" == setting.Own);
        return Networks(context, split, 100, 5).Run($"{setting.Own}, on from the closed form", () =>
        {
            var model = new PolynomialRegression(new PolynomialRegressionConfig
            {
                InFeatures = split.Train.Inputs.shape[1],
                OutFeatures = 10,
                Degree = options.Degree,
                Components = options.Components,
            });
            model.Fit(split.Train.Inputs, nn.functional.one_hot(split.Train.Targets, 10), Ridge, standardize: false);
            using var off = no_grad();
            // Least squares' outputs lie between 0 and 1; as logits they say little.
            model.Coefficients.mul_(10);
            return model;
        }, isRunsOwn: true);
    }

    private static Contest Networks(RecipeContext context, (PairDataset Train, PairDataset Test) split, int batchSize, int epochs) => new()
    {
        Context = context,
        Train = split.Train,
        Test = split.Test,
        Epochs = epochs,
        BatchSize = batchSize,
        EvaluateEvery = epochs,
        Seeds = 1,
        Diverged = 0.1,
        Optimizer = p => new FusedAdam(p, 1e-3),
    };

    private static nn.Module<Tensor, Tensor> Perceptron(long inputs, int[] hidden, long outputs, bool tanh = false)
    {
        var layers = new List<nn.Module<Tensor, Tensor>>();
        foreach (var width in hidden)
        {
            layers.Add(nn.Linear(inputs, width));
            layers.Add(tanh ? nn.Tanh() : nn.ReLU());
            inputs = width;
        }
        layers.Add(nn.Linear(inputs, outputs));
        return nn.Sequential(layers);
    }

    // Run B: how well units of a trained perceptron can be told from each other.
    private static (string Name, IReadOnlyList<LayerCollinearityReport> Layers)[] RunCollinearity(RecipeContext context, Setting setting,
        (PairDataset Train, PairDataset Test) split)
    {
        var inputs = split.Train.Inputs.shape[1];
        (string Name, IReadOnlyList<LayerCollinearityReport> Layers)[] reports = [.. new[] { false, true }.Select(tanh =>
        {
            IReadOnlyList<LayerCollinearityReport> layers = [];
            var name = tanh ? "tanh" : "ReLU";
            Networks(context, split, 50, setting.CollinearityEpochs).Run($"MLP with {name}", () =>
                Perceptron(inputs, [32, 32, 32], 10, tanh),
                after: (network, _) => layers = LayerCollinearity.Of(network, split.Train.Inputs.to(context.Device)));
            return (name, layers);
        })];
        context.Output.Table($"Variance inflation factors of an MLP {inputs}-32-32-32-10, the last layer being the outputs",
            ["activation", "layer", "units", "mean", "median", "share above 10"],
            reports.SelectMany(r => r.Layers.Select((l, i) => (object[])[r.Name, i + 1, l.Units, l.Mean, l.Median, l.ShareAbove10])));
        context.Save("collinearity.png", "variance inflation factors by layer", path => new LinePlot
        {
            Title = "Collinearity of units grows with depth",
            XLabel = "layer, the last one the outputs",
            YLabel = "mean variance inflation factor",
            LogY = true,
            Series = [.. reports.Select(r => new Series(r.Name, [.. r.Layers.Select((_, i) => i + 1.0)], [.. r.Layers.Select(l => l.Mean)])
                { Markers = true })],
        }.Save(path));
        return reports;
    }

    // Run C: tables of the folder given with --data, in the form that scikit-learn has them.
    private static TableResult[] RunTables(RecipeContext context, Setting setting, string folder)
    {
        var (cancer, cancerClass) = Classes(Path.Combine(folder, "breast_cancer.csv"));
        var (wine, wineClass) = Classes(Path.Combine(folder, "wine_data.csv"));
        var diabetes = Read(Path.Combine(folder, "diabetes_data_raw.csv.gz"), ' ', skip: 0);
        var progression = Read(Path.Combine(folder, "diabetes_target.csv.gz"), ' ', skip: 0).squeeze(1);
        if (progression.shape[0] != diabetes.shape[0])
            throw new InvalidDataException($"{folder}, diabetes: {diabetes.shape[0]} rows of data, {progression.shape[0]} targets");
        TableResult[] results =
        [
            Table("breast cancer", cancer, cancerClass, PcaOption.Explaining(0.9), 0),
            Table("wine", wine, wineClass, PcaOption.Explaining(0.9), 0),
            Table("diabetes", diabetes, progression, null, 100),
        ];
        context.Output.Table($"Error of {setting.TableSplits} splits, mean: share of wrong classes, or mean |error|",
            ["table", "degree 1", "degree 2", "MLP 32", "by validation"],
            results.Select(r => (object[])[r.Name, r.First, r.Second, r.Perceptron, r.Validated]));
        return results;

        TableResult Table(string name, Tensor x, Tensor y, PcaOption? pca, double ridge)
        {
            List<double> first = [], second = [], perceptron = [], validated = [];
            for (var i = 0; i < setting.TableSplits; i++)
            {
                context.Cancellation.ThrowIfCancellationRequested();
                using var scope = NewDisposeScope();
                var (train, test) = Split(x, y, (int)x.shape[0] / 4, context.Seed + (ulong)i);
                var (learn, validate) = Split(train.Inputs, train.Targets, (int)train.Count / 4, context.Seed);
                double one = Error(train, test, 1, null, 0), two = Error(train, test, 2, pca, ridge);
                first.Add(one);
                second.Add(two);
                validated.Add(Error(learn, validate, 1, null, 0) <= Error(learn, validate, 2, pca, ridge) ? one : two);
                perceptron.Add(PerceptronError($"{name}, split {i}", train, test, i));
            }
            return new(name, first.Average(), second.Average(), perceptron.Average(), validated.Average());
        }

        double Error(PairDataset train, PairDataset test, int degree, PcaOption? pca, double ridge)
        {
            if (train.Targets.dtype == ScalarType.Int64)
            {
                using var classifier = new PolynomialClassifier(degree, ridge: ridge, pca: pca);
                return 1 - Accuracy(classifier.Fit(train.Inputs, train.Targets).Predict(test.Inputs), test.Targets);
            }
            using var regressor = new PolynomialRegressor(degree, ridge, pca: pca);
            return (regressor.Fit(train.Inputs, train.Targets).Predict(test.Inputs).squeeze(1) - test.Targets).abs().mean().item<double>();
        }

        // Standardised inputs and, of a regression, targets; both by the training set.
        double PerceptronError(string name, PairDataset train, PairDataset test, int split)
        {
            var isClass = train.Targets.dtype == ScalarType.Int64;
            var (mean, std) = (train.Inputs.mean([0]), train.Inputs.std(0));
            var (middle, scale) = isClass ? (0.0, 1.0) : (train.Targets.mean().item<double>(), train.Targets.std().item<double>());
            PairDataset Scaled(PairDataset set) => new(((set.Inputs - mean) / std).to(ScalarType.Float32),
                isClass ? set.Targets : ((set.Targets - middle) / scale).to(ScalarType.Float32).unsqueeze(1));
            var error = double.NaN;
            var scaledTest = Scaled(test);
            var outputs = isClass ? train.Targets.max().item<long>() + 1 : 1;
            (Networks(context with { Seed = context.Seed + (ulong)split }, (Scaled(train), scaledTest), 200, setting.Epochs) with
            {
                Step = isClass ? Contest.Classification : Steps.Supervised((p, t) => nn.functional.mse_loss(p, t),
                    (Contest.Accuracy, (p, t) => -(p - t).abs().mean())),
            }).Run($"MLP on {name}", () => Perceptron(train.Inputs.shape[1], [32], outputs), after: (network, _) =>
            {
                using var off = no_grad();
                var prediction = network.call(scaledTest.Inputs.to(context.Device)).cpu();
                error = isClass ? 1 - Accuracy(prediction.argmax(1), test.Targets)
                    : (prediction.squeeze(1).to(ScalarType.Float64) * scale + middle - test.Targets).abs().mean().item<double>();
            });
            return error;
        }
    }

    private static double Accuracy(Tensor predicted, Tensor labels) =>
        predicted.cpu().eq(labels.cpu()).to(ScalarType.Float64).mean().item<double>();

    // Measurements, and the class in the last column; the first line has counts and names.
    private static (Tensor X, Tensor Classes) Classes(string path)
    {
        var table = Read(path, ',', skip: 1);
        return (table[.., ..^1], table[.., ^1].to(ScalarType.Int64));
    }

    private static Tensor Read(string path, char separator, int skip)
    {
        if (!File.Exists(path)) throw new ArgumentException($"{path}: there is no such file", "--data");
        using Stream file = File.OpenRead(path);
        var isPacked = path.EndsWith(".gz", StringComparison.Ordinal);
        using var reader = new StreamReader(isPacked ? new GZipStream(file, CompressionMode.Decompress) : file);
        var rows = new List<double[]>();
        for (var line = 0; reader.ReadLine() is { } text; line++)
        {
            if (line < skip || string.IsNullOrWhiteSpace(text)) continue;
            double[] row = [.. text.Split(separator, StringSplitOptions.RemoveEmptyEntries).Select(t =>
                double.TryParse(t, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) ? value
                    : throw new InvalidDataException($"{path}, line {line + 1}: expected a number, got '{t}'"))];
            if (rows.Count > 0 && rows[0].Length != row.Length)
                throw new InvalidDataException($"{path}, line {line + 1}: expected {rows[0].Length} numbers, got {row.Length}");
            rows.Add(row);
        }
        if (rows.Count == 0) throw new InvalidDataException($"{path}: it has no rows");
        return tensor(rows.SelectMany(r => r).ToArray(), [rows.Count, rows[0].Length]);
    }

    private static void DrawDigits(RecipeContext context, Entry[] polynomials, Entry perceptron) =>
        context.Save("digits.png", "test accuracy by number of monomials", path => new LinePlot
        {
            Title = "Test accuracy, mean of the splits",
            XLabel = "monomials",
            YLabel = "accuracy",
            LogX = true,
            Series =
            [
                .. polynomials.Select(e => new Series(e.Name, [e.Size], [e.Mean]) { Markers = true }),
                new(perceptron.Name, [polynomials.Min(e => e.Size), polynomials.Max(e => e.Size)],
                    [perceptron.Mean, perceptron.Mean]) { Dashed = true },
            ],
        }.Save(path));

    private static Claim Judge(Entry[] polynomials, Entry perceptron,
        (string Name, IReadOnlyList<LayerCollinearityReport> Layers)[] reports,
        TableResult[] tables)
    {
        const double slack = 0.002, gain = 0.04, growth = 5;
        var (own, linear) = (polynomials[0], polynomials[^1]);
        return new Claim(Name, $"test accuracy of {own.Name}, mean of the splits", own.Mean, perceptron.Mean - slack, perceptron.Mean,
        [
            new(FormattableString.Invariant($"at most {slack} below the perceptron ({own.Mean:F3}, {perceptron.Mean:F3})"),
                own.Mean >= perceptron.Mean - slack),
            new(FormattableString.Invariant($"at least {gain} above degree 1 ({linear.Mean:F3})"), own.Mean >= linear.Mean + gain),
            .. reports.Select(r => (r.Name, First: r.Layers[0].Mean, Last: r.Layers[^1].Mean)).Select(r => new Condition(
                FormattableString.Invariant($"variance inflation grows at least {growth} times, {r.Name} ({r.First:F0}, {r.Last:F0})"),
                r.Last >= growth * r.First)),
            .. tables.Select(t => new Condition(FormattableString.Invariant(
                $"{t.Name}: the better degree at most the perceptron's error ({Math.Min(t.First, t.Second):G3}, {t.Perceptron:G3})"),
                Math.Min(t.First, t.Second) <= t.Perceptron)),
        ]);
    }

    private sealed record Entry(string Name, long Size, double[] Values, double Seconds)
    {
        public double Mean => Values.Average();
    }

    private sealed record TableResult(string Name, double First, double Second, double Perceptron, double Validated);

    private sealed record Setting(int Splits, int TableSplits, int Epochs, int CollinearityEpochs,
        (int Degree, int Components)[] Polynomials,
        Func<RecipeContext, LabelledImages> Load)
    {
        // The claim's polynomial comes first, the linear one last.
        public string Own => $"degree {Polynomials[0].Degree}, PCA {Polynomials[0].Components}";

        // With --full Fashion-MNIST, 1326 columns.
        public static Setting Of(RecipeContext context) => context.Size == RunSize.Full
            ? new(1, 5, context.Epochs ?? 50, 20, [(2, 50), (2, 20), (1, 50)], c => RecipeImages.FashionMnist(c, new ImageOptions()))
            : new(context.Pick(1, 3, 0), context.Pick(1, 5, 0), context.Epochs ?? context.Pick(1, 200, 0), context.Pick(1, 60, 0),
                [(2, 20), (2, 30), (2, 16), (3, 10), (1, 16)], _ => Digits.Load());
    }
}

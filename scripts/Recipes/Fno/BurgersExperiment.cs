using TorchZoo.Data;
using TorchZoo.Data.Pde;
using TorchZoo.Models.Operators;
using TorchZoo.Reports;
using static TorchSharp.torch;

namespace TorchZoo.Scripts.Recipes;

/// <summary>
/// Burgers' equation from u(·, 0) to u(·, 1), trained on 256 points and evaluated on 128 to 1024 without further training, against a
/// convolutional network whose filters are tied to the grid.
/// </summary>
/// <remarks>ν = 0.01, with <c>--full</c> too: at the printed ν = 0.1 the wave has all but died by t = 1.</remarks>
internal sealed class BurgersExperiment(RecipeContext context, OperatorFileOptions options) : FnoExperiment(context)
{
    // The published file: a, u (2048, 8192).
    private readonly OperatorFile? _file = OperatorFile.Open(context, options, Functions(context), dimensions: 1, [["a", "u0"], ["u"]]);

    private long AllPoints => _file?.Shape[0] ?? 1024;

    private long Stride => _file is null ? 4 : _file.CheckDivides(_file.Subsample ?? Math.Max(1, AllPoints / 1024), AllPoints);

    private long[] TestStrides => _file is null ? [8, 4, 2, 1] : [.. new[] { 2 * Stride, Stride, Stride / 2 }.Where(s => s > 0 && AllPoints % s == 0)];

    // Of the finest test set.
    private long Points => AllPoints / TestStrides.Min();

    private static (long Train, long Test) Functions(RecipeContext context) => context.Pick((40, 10), (500, 200), (1000, 200));

    protected override string Equation => "burgers";

    protected override long TrainingResolution => AllPoints / Stride;

    protected override FnoConfig Config => new()
    {
        NModes = [32],
        InChannels = 1,
        OutChannels = 1,
        HiddenChannels = Context.Pick(16, 32, 64),
    };

    protected override TrainingPlan Plan => new(Context.Epochs ?? Context.Pick(2, 20, 500), Context.Pick(10, 25, 20), Context.Pick(3e-3, 3e-3, 1e-3));

    protected override string BaselineName => "CNN";

    protected override OperatorData LoadData()
    {
        if (_file is not null) return _file.LoadPairs(Stride, TestStrides);
        var generator = new BurgersGenerator { Size = AllPoints, Viscosity = 0.01 };
        var (train, test) = Functions(Context);
        var set = RecipeData.Load(Context, generator, train + test, "u0", "u");
        return new OperatorData(Pairs(set, 0, train, TrainingResolution),
            TestStrides.Select(s => AllPoints / s).ToDictionary(r => r, r => Pairs(set, train, train + test, r)));
    }

    private PairDataset Pairs(IReadOnlyDictionary<string, Tensor> set, long from, long to, long resolution)
    {
        Tensor At(string name) => set[name][TensorIndex.Slice(from, to), TensorIndex.Slice(step: AllPoints / resolution)].unsqueeze(1).contiguous();
        return new PairDataset(At("u0"), At("u"));
    }

    protected override Baseline MakeBaseline(OperatorData data, Normalisers normalisers)
    {
        random.manual_seed(unchecked((long)Context.Seed));
        var network = new PeriodicCnn(new PeriodicCnnConfig { InChannels = 1, OutChannels = 1 });
        return TrainBaseline(network, data, normalisers, Plan with { Epochs = Math.Max(1, Plan.Epochs / 2), LearningRate = 2e-3 });
    }

    protected override Claim Judge(IReadOnlyDictionary<long, double> errors, IReadOnlyDictionary<long, double> baseline)
    {
        const double threshold = 0.025;
        var (here, finest, network) = (errors[TrainingResolution], errors[Points], baseline[TrainingResolution]);
        var drift = Math.Abs(finest / here - 1);
        return new Claim("fno", $"burgers relative L2 at {TrainingResolution}", here, threshold, network,
        [
            new($"error at {TrainingResolution} at most {threshold} ({here:G4})", here <= threshold),
            new($"error at {Points}, never trained on, within 2 % of that at {TrainingResolution} ({drift:P1})", drift <= 0.02),
            new($"CNN at least 5 times worse ({network / here:G3} times)", network >= 5 * here),
        ]);
    }

    protected override void Draw(OperatorData data, Func<Tensor, Tensor> predict, Baseline baseline)
    {
        var finest = data.Tests[Points];
        var examples = (int)Math.Min(3, finest.Count);
        var inputs = finest.Inputs[TensorIndex.Slice(0, examples)];
        double[] x = [.. Enumerable.Range(0, (int)Points).Select(i => (double)i / Points)];
        var (fno, cnn) = (predict(inputs), baseline.Predict!(inputs));
        double[] Curve(Tensor functions, int i) => [.. functions[i, 0].to(ScalarType.Float64).data<double>()];

        var functions = Enumerable.Range(0, examples).Select(i => new LinePlot
        {
            Title = $"test function {i + 1}, {Points} points",
            XLabel = "x",
            YLabel = i == 0 ? "u" : "",
            Series =
            [
                new Series("u(x, 0)", x, Curve(inputs, i)) { Dashed = true },
                new Series("u(x, 1)", x, Curve(finest.Targets, i)),
                new Series("FNO", x, Curve(fno, i)) { Dashed = true },
                new Series("CNN", x, Curve(cnn, i)) { Dashed = true },
            ],
        });
        var errors = Enumerable.Range(0, examples).Select(i => new LinePlot
        {
            XLabel = "x",
            YLabel = i == 0 ? "|error|" : "",
            LogY = true,
            Series =
            [
                new Series("FNO", x, Curve((fno - finest.Targets[TensorIndex.Slice(0, examples)]).abs().clamp_min(1e-6), i)) { Color = 2 },
                new Series("CNN", x, Curve((cnn - finest.Targets[TensorIndex.Slice(0, examples)]).abs().clamp_min(1e-6), i)) { Color = 3 },
            ],
        });
        Save("functions.png", "input, truth, predictions and their errors on the finest grid", path =>
            LinePlot.SaveGrid(path, [.. functions, .. errors], examples));
    }
}

using TorchZoo.Data;
using TorchZoo.Data.Pde;
using TorchZoo.Losses;
using TorchZoo.Models.Operators;
using TorchZoo.Reports;
using static TorchSharp.torch;

namespace TorchZoo.Scripts.Recipes;

/// <summary>Darcy flow from a two-phase permeability to the pressure, against the mean of the training solutions.</summary>
internal sealed class DarcyExperiment(RecipeContext context, OperatorFileOptions options) : FnoExperiment(context)
{
    // The published files: coeff, sol (1024, 421, 421).
    private readonly OperatorFile? _file = OperatorFile.Open(context, options, Functions(context), dimensions: 2, [["coeff", "a"], ["sol", "u"]]);

    // Nodes of a side of the solver's grid; the sub-grids take every 3rd, 2nd and each of them.
    private long Nodes => _file?.Shape[0] ?? Context.Pick(43L, 85, 421);

    private long[] Strides => _file is null ? Context.Pick<long[]>([3, 2, 1], [3, 2, 1], [5, 3, 2]) : FileStrides(_file);

    private static (long Train, long Test) Functions(RecipeContext context) => context.Pick((20, 10), (400, 100), (1000, 100));

    // About the paper's 85 nodes, and the next finer grid that has both boundaries too.
    private static long[] FileStrides(OperatorFile file)
    {
        var intervals = file.Shape[0] - 1;
        var stride = file.CheckDivides(file.Subsample ?? OperatorFile.Divisors(intervals).First(d => intervals / d <= 84), intervals);
        return [stride, .. OperatorFile.Divisors(intervals).Where(d => d < stride).TakeLast(1)];
    }

    protected override string Equation => "darcy";

    protected override long TrainingResolution => Resolution(Strides[0]);

    protected override FnoConfig Config => new()
    {
        NModes = Context.Pick<long[]>([8, 8], [12, 12], [24, 24]),
        InChannels = 1,
        OutChannels = 1,
        HiddenChannels = Context.Pick(12, 24, 32),
    };

    protected override TrainingPlan Plan => new(Context.Epochs ?? Context.Pick(2, 40, 500), Context.Pick(10, 20, 20), Context.Pick(5e-3, 5e-3, 1e-3));

    protected override string BaselineName => "mean solution";

    private long Resolution(long stride) => (Nodes - 1) / stride + 1;

    protected override OperatorData LoadData()
    {
        if (_file is not null) return _file.LoadPairs(Strides[0], Strides);
        var (train, test) = Functions(Context);
        var set = RecipeData.Load(Context, new DarcyGenerator { Size = Nodes }, train + test, "a", "u");
        return new OperatorData(Pairs(set, 0, train, Strides[0]), Strides.ToDictionary(Resolution, s => Pairs(set, train, train + test, s)));
    }

    private static PairDataset Pairs(IReadOnlyDictionary<string, Tensor> set, long from, long to, long stride)
    {
        var every = TensorIndex.Slice(step: stride);
        Tensor At(string name) => set[name][TensorIndex.Slice(from, to), every, every].unsqueeze(1).contiguous();
        return new PairDataset(At("a"), At("u"));
    }

    protected override Baseline MakeBaseline(OperatorData data, Normalisers normalisers)
    {
        // The mean over the training set, as a function, brought to each grid.
        var mean = data.Train.Targets.mean([0], keepdim: true);
        return new Baseline(data.Tests.ToDictionary(t => t.Key, t =>
        {
            var there = nn.functional.interpolate(mean, [t.Key, t.Key], mode: InterpolationMode.Bicubic, align_corners: true);
            return (double)RelativeL2.Loss(there.expand_as(t.Value.Targets), t.Value.Targets).item<float>();
        }));
    }

    protected override Claim Judge(IReadOnlyDictionary<long, double> errors, IReadOnlyDictionary<long, double> baseline)
    {
        const double threshold = 0.04;
        var (here, mean) = (errors[TrainingResolution], baseline[TrainingResolution]);
        return new Claim("fno", $"darcy relative L2 at {TrainingResolution}²", here, threshold, mean,
        [
            new($"error at {TrainingResolution}² at most {threshold} ({here:G4})", here <= threshold),
            new($"mean solution at least 5 times worse ({mean / here:G3} times)", mean >= 5 * here),
        ]);
    }

    protected override void Draw(OperatorData data, Func<Tensor, Tensor> predict, Baseline baseline)
    {
        // One function at every resolution: what the network makes of grids that it has not seen.
        var rows = data.Tests.OrderBy(t => t.Key).Select(t =>
        {
            Tensor a = t.Value.Inputs[0, 0], u = t.Value.Targets[0, 0], p = predict(t.Value.Inputs[TensorIndex.Slice(0, 1)])[0, 0];
            return (FieldPanel[])
            [
                new($"permeability, {t.Key}²", a),
                new("pressure", u) { Scale = "u" },
                new("FNO", p) { Scale = "u" },
                new("error", p - u) { Colors = ColorScale.Diverging },
            ];
        });
        Save("fields.png", "permeability, pressure, prediction and error at each resolution", new FieldPicture
        {
            Title = $"Darcy flow: a test function, trained at {TrainingResolution}²",
            Rows = [.. rows],
        }.Save);
    }
}

using TorchZoo.Data;
using TorchZoo.Data.Pde;
using TorchZoo.Losses;
using TorchZoo.Models.Operators;
using TorchZoo.Reports;
using TorchZoo.Training;
using static TorchSharp.torch;

namespace TorchZoo.Scripts.Recipes;

/// <summary>
/// Two-dimensional Navier–Stokes against persistence (tomorrow is like today). By default the map of the vorticity from one time unit to the
/// next, trained at half the resolution of the solver and evaluated at both, also rolled out over ten steps. With <c>--full</c> the paper's
/// recurrent form: ten frames in, forty rolled out, trained through the whole roll-out.
/// </summary>
internal sealed class NavierStokesExperiment(RecipeContext context, OperatorFileOptions options) : FnoExperiment(context)
{
    // The published files: u (trajectories, 64, 64, frames).
    private readonly OperatorFile? _file = OperatorFile.Open(context, options, Trajectories(context), dimensions: 2, [["u", "w"]], hasFrames: true);

    private bool IsRecurrent => Context.Size == RunSize.Full;

    private long AllPoints => _file?.Shape[0] ?? Context.Pick(32L, 64, 64);

    // Of the finest test set.
    private long Points => AllPoints / Strides.Min();

    // The solver's grid and sub-grids of it, the one of training first.
    private long[] Strides => _file is not null ? FileStrides(_file) : IsRecurrent ? [1] : [2, 1];

    private static (long Train, long Test) Trajectories(RecipeContext context) => context.Pick((6, 3), (80, 20), (1000, 200));

    private int Frames => (int)(_file?.Shape[2] ?? Context.Pick(12, 15, 50));

    private int FramesIn => IsRecurrent ? 10 : 1;

    private int RolloutSteps => Math.Min(IsRecurrent ? 40 : 10, Frames - FramesIn);

    protected override string Equation => "navier-stokes";

    protected override long TrainingResolution => AllPoints / Strides[0];

    protected override FnoConfig Config => new()
    {
        NModes = Context.Pick<long[]>([8, 8], [16, 16], [24, 24]),
        InChannels = FramesIn,
        OutChannels = 1,
        HiddenChannels = Context.Pick(8, 20, 20),
    };

    protected override TrainingPlan Plan => new(Context.Epochs ?? Context.Pick(1, 11, 500), Context.Pick(10, 20, 20), Context.Pick(5e-3, 5e-3, 2.5e-3));

    protected override string BaselineName => "persistence";

    protected override OperatorData LoadData()
    {
        if (Frames <= FramesIn) throw new ArgumentException($"{Context.Data}: expected more than {FramesIn} frames, got {Frames}", "--data");
        if (_file is not null)
        {
            var (first, rest) = (_file.ReadTrain(Strides[0])[0], _file.ReadTest()[0]);
            return new OperatorData(Pairs(first, 0, _file.Train, 1), Strides.ToDictionary(s => AllPoints / s, s => Pairs(rest, 0, _file.Test, s)));
        }
        var (train, test) = Trajectories(Context);
        var generator = new NavierStokes2dGenerator { Size = AllPoints, Viscosity = 1e-3, Frames = Frames, TimeStep = Context.Pick(2e-2, 1e-2, 1e-3) };
        var w = RecipeData.Load(Context, generator, train + test, "w")["w"];
        return new OperatorData(Pairs(w, 0, train, Strides[0]), Strides.ToDictionary(s => AllPoints / s, s => Pairs(w, train, train + test, s)));
    }

    private long[] FileStrides(OperatorFile file)
    {
        var size = file.Shape[0];
        var stride = file.CheckDivides(file.Subsample ?? (IsRecurrent || size % 2 != 0 ? 1 : 2), size);
        return stride % 2 == 0 && !IsRecurrent ? [stride, stride / 2] : [stride];
    }

    // (trajectories, s, s, frames) → pairs of neighbouring frames, trajectory after trajectory; or all later frames from the first ones.
    private PairDataset Pairs(Tensor w, long from, long to, long stride)
    {
        var every = TensorIndex.Slice(step: stride);
        var frames = w[TensorIndex.Slice(from, to), every, every].permute(0, 3, 1, 2);
        var (first, rest) = (FramesIn, Frames - FramesIn);
        if (IsRecurrent) return new PairDataset(frames.narrow(1, 0, first).contiguous(), frames.narrow(1, first, rest).contiguous());
        Tensor Flat(Tensor t) => t.flatten(0, 1).unsqueeze(1).contiguous();
        return new PairDataset(Flat(frames.narrow(1, 0, rest)), Flat(frames.narrow(1, 1, rest)));
    }

    protected override Normalisers FitNormalisers(PairDataset train) => Normalisers.FitToInputs(train);

    protected override TrainingStep MakeStep(Normalisers normalisers) =>
        IsRecurrent ? new RolloutStep(normalisers.Output.Decode) : base.MakeStep(normalisers);

    protected override Baseline MakeBaseline(OperatorData data, Normalisers normalisers) =>
        new(data.Tests.ToDictionary(t => t.Key, t => (double)RelativeL2.Loss(Last(t.Value.Inputs).expand_as(t.Value.Targets), t.Value.Targets).item<float>()));

    private static Tensor Last(Tensor frames) => frames.narrow(1, frames.shape[1] - 1, 1);

    // Of each test trajectory at the solver's resolution, the last steps, the frames before them, and what the network makes of those:
    // (trajectories, frames or steps, s, s).
    private (Tensor First, Tensor Truth, Tensor Prediction) Rollout(OperatorData data, Func<Tensor, Tensor> predict)
    {
        var (pairs, steps) = (data.Tests[Points], RolloutSteps);
        var starts = IsRecurrent ? arange(pairs.Count) : arange(Frames - FramesIn - steps, pairs.Count, Frames - FramesIn);
        var first = pairs.Inputs.index_select(0, starts);
        var truth = IsRecurrent ? pairs.Targets : cat([.. Enumerable.Range(0, steps).Select(i => pairs.Targets.index_select(0, starts + i))], 1);
        return (first, truth, FnoRollout.Run(predict, first, steps));
    }

    protected override Claim Judge(IReadOnlyDictionary<long, double> errors, IReadOnlyDictionary<long, double> baseline)
    {
        var threshold = IsRecurrent ? 0.015 : 0.06;
        var what = IsRecurrent ? "roll-out" : "one-step";
        var here = errors[TrainingResolution];
        var conditions = new List<Condition> { new($"{what} error at {TrainingResolution}² at most {threshold} ({here:G4})", here <= threshold) };
        if (!IsRecurrent)
        {
            var drift = Math.Abs(errors[Points] / here - 1);
            conditions.Add(new($"error at {Points}², never trained on, within 10 % of it ({drift:P1})", drift <= 0.1));
        }
        return new Claim("fno", $"navier-stokes {what} relative L2 at {TrainingResolution}²", here, threshold, baseline[TrainingResolution], conditions);
    }

    protected override void Draw(OperatorData data, Func<Tensor, Tensor> predict, Baseline baseline)
    {
        var (first, truth, prediction) = Rollout(data, predict);
        var still = Last(first).expand_as(truth);
        var steps = (int)truth.shape[1];
        Context.Output.Table($"roll-out over {steps} steps at {Points}²: relative L2 error of all frames together", ["FNO", BaselineName],
            [[(double)RelativeL2.Loss(prediction, truth).item<float>(), (double)RelativeL2.Loss(still, truth).item<float>()]]);

        double[] Errors(Tensor frames) => [.. Enumerable.Range(0, steps).Select(i => (double)RelativeL2.Loss(frames.select(1, i), truth.select(1, i)).item<float>())];
        double[] times = [.. Enumerable.Range(1, steps).Select(i => (double)i)];
        Save("rollout.png", "error of each frame when predictions are fed back", path => new LinePlot
        {
            Title = $"Navier–Stokes: roll-out at {Points}²",
            XLabel = "time units after the last frame that is given",
            YLabel = "relative L2 error",
            LogY = true,
            Series = [new Series("FNO", times, Errors(prediction)) { Markers = true }, new Series(BaselineName, times, Errors(still)) { Markers = true }],
        }.Save(path));

        var shown = new[] { 0, steps / 2 - 1, steps - 1 }.Where(i => i >= 0).Distinct();
        Save("fields.png", "vorticity: truth, roll-out and error at three times", new FieldPicture
        {
            Title = $"Navier–Stokes vorticity: one trajectory rolled out at {Points}², trained at {TrainingResolution}²",
            Rows =
            [
                .. shown.Select(i => (FieldPanel[])
                [
                    new("last frame given", Last(first)[0, 0]) { Colors = ColorScale.Diverging, Scale = "w" },
                    new($"truth after {i + 1}", truth[0, i]) { Colors = ColorScale.Diverging, Scale = "w" },
                    new($"FNO after {i + 1}", prediction[0, i]) { Colors = ColorScale.Diverging, Scale = "w" },
                    new("error", prediction[0, i] - truth[0, i]) { Colors = ColorScale.Diverging },
                ]),
            ],
        }.Save);
    }
}

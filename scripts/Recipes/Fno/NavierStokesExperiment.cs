using TorchSharp;
using TorchZoo.Data;
using TorchZoo.Data.Pde;
using TorchZoo.Losses;
using TorchZoo.Models.Operators;
using TorchZoo.Reports;
using static TorchSharp.torch;

namespace TorchZoo.Scripts.Recipes;

/// <summary>
/// Two-dimensional Navier–Stokes, vorticity from one time unit to the next, trained at half the resolution of the solver and evaluated at
/// both, also rolled out over ten steps, against persistence (tomorrow is like today).
/// </summary>
internal sealed class NavierStokesExperiment(RecipeContext context) : FnoExperiment(context)
{
    private const int RolloutSteps = 10;

    private long Points => Context.Pick(32L, 64, 64);

    private (int Train, int Test) Trajectories => Context.Pick((6, 3), (80, 20), (1000, 200));

    private int Frames => Context.Pick(12, 15, 50);

    protected override string Equation => "navier-stokes";

    protected override long TrainingResolution => Points / 2;

    protected override FnoConfig Config => new()
    {
        NModes = Context.Pick<long[]>([8, 8], [16, 16], [24, 24]),
        InChannels = 1,
        OutChannels = 1,
        HiddenChannels = Context.Pick(8, 20, 32),
    };

    protected override TrainingPlan Plan => new(Context.Epochs ?? Context.Pick(1, 11, 100), Context.Pick(10, 20, 20), Context.Pick(5e-3, 5e-3, 2.5e-3));

    protected override string BaselineName => "persistence";

    protected override OperatorData LoadData()
    {
        var (train, test) = Trajectories;
        var generator = new NavierStokes2dGenerator { Size = Points, Viscosity = 1e-3, Frames = Frames, TimeStep = Context.Pick(2e-2, 1e-2, 1e-3) };
        var set = RecipeData.Load(Context, generator, train + test, "w");
        return new OperatorData(Pairs(set["w"], 0, train, 2), new long[] { 2, 1 }.ToDictionary(s => Points / s, s => Pairs(set["w"], train, train + test, s)));
    }

    // (trajectories, s, s, frames) → pairs of neighbouring frames, trajectory after trajectory.
    private static PairDataset Pairs(Tensor w, long from, long to, long stride)
    {
        var every = TensorIndex.Slice(step: stride);
        var frames = w[TensorIndex.Slice(from, to), every, every].permute(0, 3, 1, 2);
        var last = frames.shape[1];
        Tensor Flat(Tensor t) => t.flatten(0, 1).unsqueeze(1).contiguous();
        return new PairDataset(Flat(frames.narrow(1, 0, last - 1)), Flat(frames.narrow(1, 1, last - 1)));
    }

    protected override Baseline MakeBaseline(OperatorData data, Normalisers normalisers) =>
        new(data.Tests.ToDictionary(t => t.Key, t => (double)RelativeL2.Loss(t.Value.Inputs, t.Value.Targets).item<float>()), x => x);

    // From the first frame of each test trajectory, at the solver's resolution: (trajectories, steps, s, s).
    private (Tensor First, Tensor Truth, Tensor Prediction) Rollout(OperatorData data, Func<Tensor, Tensor> predict)
    {
        var (pairs, perTrajectory) = (data.Tests[Points], Frames - 1);
        var steps = Math.Min(RolloutSteps, perTrajectory);
        var starts = arange(0, pairs.Count, perTrajectory);
        var first = pairs.Inputs.index_select(0, starts);
        var truth = cat([.. Enumerable.Range(0, steps).Select(i => pairs.Targets.index_select(0, starts + i))], 1);
        var frames = new List<Tensor>();
        for (var (i, state) = (0, first); i < steps; i++) frames.Add(state = predict(state));
        return (first, truth, cat(frames, 1));
    }

    protected override Claim Judge(IReadOnlyDictionary<long, double> errors, IReadOnlyDictionary<long, double> baseline)
    {
        const double threshold = 0.06;
        var (here, finer) = (errors[TrainingResolution], errors[Points]);
        var drift = Math.Abs(finer / here - 1);
        return new Claim("fno", $"navier-stokes one-step relative L2 at {TrainingResolution}²", here, threshold, baseline[TrainingResolution],
        [
            new($"one-step error at {TrainingResolution}² at most {threshold} ({here:G4})", here <= threshold),
            new($"error at {Points}², never trained on, within 10 % of it ({drift:P1})", drift <= 0.1),
        ]);
    }

    protected override void Draw(OperatorData data, Func<Tensor, Tensor> predict, Baseline baseline)
    {
        var (first, truth, prediction) = Rollout(data, predict);
        var still = first.expand_as(truth);
        var steps = (int)truth.shape[1];
        Context.Output.Table($"roll-out over {steps} steps at {Points}²: relative L2 error of all frames together", ["FNO", BaselineName],
            [[(double)RelativeL2.Loss(prediction, truth).item<float>(), (double)RelativeL2.Loss(still, truth).item<float>()]]);

        double[] Errors(Tensor frames) => [.. Enumerable.Range(0, steps).Select(i => (double)RelativeL2.Loss(frames.select(1, i), truth.select(1, i)).item<float>())];
        double[] times = [.. Enumerable.Range(1, steps).Select(i => (double)i)];
        Save("rollout.png", "error of each frame when predictions are fed back", path => new LinePlot
        {
            Title = $"Navier–Stokes: roll-out at {Points}²",
            XLabel = "time units after the only frame that is given",
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
                    new("first frame", first[0, 0]) { Colors = ColorScale.Diverging, Scale = "w" },
                    new($"truth after {i + 1}", truth[0, i]) { Colors = ColorScale.Diverging, Scale = "w" },
                    new($"FNO after {i + 1}", prediction[0, i]) { Colors = ColorScale.Diverging, Scale = "w" },
                    new("|error|", (prediction[0, i] - truth[0, i]).abs()) { Colors = ColorScale.Magnitude },
                ]),
            ],
        }.Save);
    }
}

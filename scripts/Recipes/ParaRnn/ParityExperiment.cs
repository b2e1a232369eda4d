using TorchZoo.Data;
using TorchZoo.Losses;
using TorchZoo.Models.Sequences;
using TorchZoo.Optimizers;
using TorchZoo.Reports;
using TorchZoo.Training;
using static System.FormattableString;
using static TorchSharp.torch;

namespace TorchZoo.Scripts.Recipes;

/// <summary>
/// The parity of all bits so far, learned on short sequences and asked for on long ones: a state that has to be kept without any loss,
/// which no recurrence that is linear in its state learns. The trained net is then run by Newton's method, which doesn't converge on it.
/// </summary>
internal sealed class ParityExperiment(RecipeContext context)
{
    private const long Short = 16, Long = 512;
    private const int BatchSize = 64;
    private const double Asked = 0.99, AskedOfControl = 0.6;

    private sealed record Trained(string Name, ParityNet Net, double AtShort, double AtLong, Series AccuracyByPosition);

    private int Updates => context.Epochs is { } epochs ? epochs * 100 : context.Pick(20, 400, 2000);

    public Claim Run()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(context.Seed + 1);
        var (train, near, far) = (Bits(Updates * BatchSize, Short), Bits(256, Short), Bits(context.Pick(16, 256, 1024), Long));
        Trained[] nets =
        [
            Train("ParaGRU", CellKind.Gru, linear: false), Train("ParaLSTM", CellKind.Lstm, linear: false),
            Train("ParaGRU, linear in the state", CellKind.Gru, linear: true),
        ];
        context.Output.Table($"parity of all bits so far, learned on {Short} bits",
            ["net", "largest |A|", $"accuracy on {Short} bits", $"accuracy on {Long} bits"],
            nets.Select(n => (object[])[n.Name, n.Net.Cell.RecurrentWeight.abs().max().item<float>(), n.AtShort, n.AtLong]));
        context.Save("parity.png", "accuracy by how many bits were before", path => new LinePlot
        {
            Title = $"Parity, learned on {Short} bits",
            XLabel = "bits",
            YLabel = "accuracy",
            LogX = true,
            YRange = (0.4, 1.05),
            Series = [.. nets.Select(n => n.AccuracyByPosition)],
        }.Save(path, 640, 420));
        var conditions = nets.Take(2).Select(n =>
            new Condition(Invariant($"{n.Name}: accuracy of at least {Asked} on {Long} bits ({n.AtLong:0.###})"), n.AtLong >= Asked)).ToList();
        conditions.Add(new(Invariant($"linear in the state: at most {AskedOfControl} ({nets[2].AtLong:0.###})"),
            nets[2].AtLong <= AskedOfControl));
        conditions.AddRange(ByNewton(nets.Take(2), far));
        return new Claim(ParaRnnRecipe.Name, $"accuracy of parity on {Long} bits", nets[0].AtLong, Asked, nets[2].AtLong, conditions);

        PairDataset Bits(long count, long length)
        {
            var bits = randint(2, [count, length], ScalarType.Int64, generator: generator);
            return new(bits, bits.cumsum(1) % 2);
        }

        Trained Train(string name, CellKind kind, bool linear)
        {
            random.manual_seed(unchecked((long)context.Seed));
            using var weights = new Generator(context.Seed);
            var net = new ParityNet(kind, linear, weights);
            var trainer = new Trainer(net, context.TrainerOptions(null) with
            {
                Epochs = 1,
                BatchSize = BatchSize,
                ClipNorm = 1,
                Shuffle = false,
            })
            {
                Name = $"Training {name}",
                Callbacks = context.Callbacks(name),
                Optimizer = p => new FusedAdamW(p, 1e-2, weightDecay: 1e-6),
                Step = Steps.Supervised(TokenCrossEntropy.Loss),
                Progress = context.Progress,
            };
            trainer.Fit(train, null, context.Cancellation);
            net.eval();
            using var off = no_grad();
            var right = net.call(far.Inputs.to(context.Device)).argmax(-1).eq(far.Targets.to(context.Device)).to(ScalarType.Float32);
            var byPosition = right.mean([0]).cpu().data<float>().Select(a => (double)a).ToArray();
            return new(name, net, Accuracy(net.call(near.Inputs.to(context.Device)), near.Targets), right.mean().item<float>(),
                new Series(name, [.. Enumerable.Range(1, (int)Long).Select(t => (double)t)], byPosition));
        }
    }

    // Three iterations without a test, as the reference; and with the test, what isn't solved then being computed step by step.
    private IEnumerable<Condition> ByNewton(IEnumerable<Trained> nets, PairDataset data)
    {
        using var scope = NewDisposeScope();
        using var off = no_grad();
        var bits = data.Inputs.to(context.Device);
        var rows = new List<object[]>();
        var conditions = new List<Condition>();
        foreach (var (name, net, _, _, _) in nets)
        {
            var cell = net.Cell;
            var x = net.Embed(bits);
            var exact = cell.call(x);
            var u = cell.Precompute(x);
            var blind = Outputs(new() { OnNonConvergence = NonConvergence.Ignore }).Outputs;
            var (states, report) = Outputs(new());
            double error = Distance(states, exact), wrong = Distance(blind, exact);
            rows.Add([name, wrong, Accuracy(net.Read(blind), data.Targets), report.FallbackFraction, error,
                Accuracy(net.Read(states), data.Targets)]);
            var share = report.FallbackFraction;
            conditions.Add(new(Invariant($"{name} by Newton's method with fallback: the kernel's states ({error:0e-0}, {share:P0} in steps)"),
                error <= 1e-5));

            (Tensor Outputs, NewtonReport Report) Outputs(NewtonOptions options)
            {
                var (all, found) = new ParallelRecurrenceSolver(options).Solve(cell, u);
                return (all.narrow(2, cell.StateSize - cell.StateDim, cell.StateDim), found);
            }
        }
        context.Output.Table($"the trained nets by Newton's method, {data.Inputs.shape[1]} bits",
            ["net", "error, 3 iterations", "accuracy then", "share step by step", "error, with fallback", "accuracy then "], rows);
        return conditions;
    }

    private static double Accuracy(Tensor logits, Tensor targets) => TokenCrossEntropy.Accuracy(logits.cpu(), targets.cpu()).item<float>();

    private static double Distance(Tensor a, Tensor b) => (a - b).abs().max().to(ScalarType.Float64).item<double>();
}

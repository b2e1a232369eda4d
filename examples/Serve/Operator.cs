using TorchZoo;
using TorchZoo.Checkpoints;
using TorchZoo.Data;
using TorchZoo.Data.Pde;
using TorchZoo.Losses;
using TorchZoo.Models.Operators;
using TorchZoo.Optimizers;
using TorchZoo.Training;
using static TorchSharp.torch;

namespace Serve;

/// <summary>A trained FNO with its normalisers, as a function from arrays to arrays.</summary>
public sealed class Operator : IDisposable
{
    private const string InputName = "input_normalizer", OutputName = "output_normalizer";

    private readonly Fno _model;
    private readonly UnitGaussianNormalizer _input, _output;

    private Operator(Checkpoint checkpoint)
    {
        _model = Zoo.Load<Fno>(checkpoint);
        (_input, _output) = (Normaliser(InputName), Normaliser(OutputName));

        UnitGaussianNormalizer Normaliser(string name)
        {
            var identity = new UnitGaussianNormalizer([]);
            try { checkpoint.LoadModule(name, identity); }
            catch (InvalidDataException) { } // one that was trained on numbers as they are
            return identity;
        }
    }

    /// <summary>Loads a checkpoint, e.g. of <c>dotnet run --project scripts -- fno</c>.</summary>
    public static Operator Load(string path)
    {
        using var checkpoint = Checkpoint.Load(path);
        return new Operator(checkpoint);
    }

    /// <summary>Trains a small one on Burgers' equation: from u(·, 0) to u(·, 1).</summary>
    /// <param name="folder">Where its checkpoint <c>last.pt</c> goes.</param>
    /// <returns>Its relative L2 error on functions that it hasn't seen.</returns>
    public static double Train(string folder)
    {
        using var scope = NewDisposeScope();
        Seed.Set(0);
        var set = new BurgersGenerator { Size = 512, Stride = 4, Viscosity = 0.01 }.Generate(320, seed: 0);
        var (initial, final) = (set["u0"].unsqueeze(1), set["u"].unsqueeze(1));
        var (input, output) = (UnitGaussianNormalizer.Fit(initial), UnitGaussianNormalizer.Fit(final));
        var pairs = new PairDataset(input.Encode(initial), final);
        using var model = new Fno(new FnoConfig { NModes = [24], InChannels = 1, OutChannels = 1, HiddenChannels = 16 });
        var trainer = new Trainer(model, new TrainerOptions { Epochs = 12, BatchSize = 16, Directory = folder })
        {
            Optimizer = p => new FusedAdam(p, lr: 5e-3),
            Schedule = Schedules.OneCycle(warmUp: 0.1),
            Step = Steps.Supervised((prediction, truth) => RelativeL2.Loss(output.Decode(prediction), truth)),
            Companions = new Dictionary<string, nn.Module> { [InputName] = input, [OutputName] = output },
        };
        return trainer.Fit(pairs.Subset(Numbers(0, 256)), pairs.Subset(Numbers(256, 320))).History[^1].Validation["loss"];

        static IEnumerable<long> Numbers(int from, int to) => Enumerable.Range(from, to - from).Select(i => (long)i);
    }

    /// <summary>Says what is wrong with a sample, before it costs anything.</summary>
    /// <exception cref="BadHttpRequestException">It isn't of the model's channels and axes, is too large, or has numbers that aren't
    /// finite.</exception>
    public void Check(Sample sample, long maxPoints)
    {
        var config = _model.Config;
        var shape = sample.Shape;
        Require(shape.Length == config.NModes.Count + 1 && shape[0] == config.InChannels && shape.All(s => s > 0),
            $"Expected a shape of {config.InChannels} channels and {config.NModes.Count} axes, got [{string.Join(", ", shape)}].");
        // Any factor can be the one that is too large for the product.
        var points = shape.Aggregate(1L, (product, size) => Math.Min(product, maxPoints + 1) * Math.Min(size, maxPoints + 1));
        Require(points <= maxPoints, $"Expected at most {maxPoints} points.", StatusCodes.Status413PayloadTooLarge);
        Require(points == sample.Values.Length, $"Expected {points} values for the shape, got {sample.Values.Length}.");
        Require(sample.Values.All(float.IsFinite), "Expected finite values.");

        static void Require(bool holds, string message, int status = StatusCodes.Status400BadRequest)
        {
            if (!holds) throw new BadHttpRequestException(message, status);
        }
    }

    /// <summary>The results for samples of one shape.</summary>
    public Sample[] Apply(Sample[] samples)
    {
        using var scope = NewDisposeScope();
        using var mode = inference_mode();
        var input = stack(samples.Select(s => tensor(s.Values, s.Shape)));
        var output = _output.Decode(_model.call(_input.Encode(input)));
        return [.. output.unbind().Select(y => new Sample(y.shape, y.data<float>().ToArray()))];
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _model.Dispose();
        _input.Dispose();
        _output.Dispose();
    }
}

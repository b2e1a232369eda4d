using static TorchSharp.torch;

namespace TorchZoo.Data.Arithmetic;

/// <summary>How far a model is off an <see cref="ArithmeticTask"/> on a range of numbers, be it that of training or another.</summary>
public static class ExtrapolationError
{
    /// <summary>Mean absolute error over mean absolute target, of each member. Unlike an error in shares of a random model's it can be
    /// compared from task to task.</summary>
    /// <param name="model">(size, n) → (size, 1), or → (members, size, 1); or both with a member axis in front.</param>
    /// <param name="task">The task.</param>
    /// <param name="range">Where the numbers are drawn from.</param>
    /// <param name="samples">How many examples.</param>
    /// <param name="members">Members of an ensemble, that see the same examples; null: one model.</param>
    /// <param name="seed">Seed of the examples.</param>
    /// <param name="device">Where the model is; null: the CPU.</param>
    /// <returns>One number for each member.</returns>
    /// <exception cref="ArgumentException">The range is empty or the model gives another shape.</exception>
    public static double[] Relative(Func<Tensor, Tensor> model, ArithmeticTask task, SampleRange range, long samples = 10_000,
        long? members = null, ulong seed = 1, Device? device = null) =>
        Measure(model, task, range, samples, members, seed, device, (error, target) => error.abs().mean([-1]) / target.abs().mean());

    /// <summary>Mean squared error of each member.</summary>
    /// <inheritdoc cref="Relative"/>
    public static double[] MeanSquared(Func<Tensor, Tensor> model, ArithmeticTask task, SampleRange range, long samples = 10_000,
        long? members = null, ulong seed = 1, Device? device = null) =>
        Measure(model, task, range, samples, members, seed, device, (error, _) => error.square().mean([-1]));

    private static double[] Measure(Func<Tensor, Tensor> model, ArithmeticTask task, SampleRange range, long samples, long? members,
        ulong seed, Device? device, Func<Tensor, Tensor, Tensor> measure)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(task);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(samples);
        using var scope = NewDisposeScope();
        using var off = no_grad();
        using var generator = new Generator(seed);
        var (input, target) = task.Sample(range, generator, samples);
        var output = model((members is { } m ? input.expand(m, -1, -1) : input).to(device ?? CPU)).cpu();
        var expected = members is null ? target.shape : [members.Value, .. target.shape];
        if (!output.shape.AsSpan().SequenceEqual(expected))
            throw new ArgumentException($"Expected ({string.Join(", ", expected)}), got ({string.Join(", ", output.shape)})",
                nameof(model));
        var wide = target.to(ScalarType.Float64).squeeze(-1);
        return [.. measure(output.to(ScalarType.Float64).squeeze(-1) - wide, wide).reshape(-1).data<double>()];
    }
}

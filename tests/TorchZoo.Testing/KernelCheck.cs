using CsCheck;
using NUnit.Framework;
using TorchZoo.Kernels;
using static TorchSharp.torch;

namespace TorchZoo.Testing;

/// <summary>
/// What every kernel must do, checked on random cases in float32 and float64: outputs and gradients by all inputs are those of the
/// reference (computed in float64, of the same rounded inputs); they are the same to the bit on one and two threads, for inputs that don't
/// lie contiguously, and whether gradients are recorded or not; NaN and infinities come out where they do in the reference.
/// </summary>
/// <typeparam name="TCase">What varies: sizes, options.</typeparam>
/// <param name="Cases">The cases. Let sizes be 0, 1 and odd, and large enough for two threads to share the work.</param>
/// <param name="Inputs">A case's inputs; those of a floating-point type are cast to the type that is tested.</param>
/// <param name="Kernel">The outputs by the kernel.</param>
/// <param name="Reference">The outputs in torch operations.</param>
public sealed record KernelCheck<TCase>(
    Gen<TCase> Cases, Func<TCase, Generator, Tensor?[]> Inputs, Func<TCase, Tensor?[], Tensor[]> Kernel,
    Func<TCase, Tensor?[], Tensor[]> Reference)
{
    /// <summary>How many cases.</summary>
    public int Iterations { get; init; } = 30;

    /// <summary>Allowed error in float32, relative to 1 plus the tensor's largest magnitude.</summary>
    public double SingleTolerance { get; init; } = 2e-6;

    /// <summary>The same in float64.</summary>
    public double DoubleTolerance { get; init; } = 1e-14;

    /// <summary>Whether inputs that aren't finite are tried. The reference in the tested type says what should come of them.</summary>
    public bool NonFinite { get; init; } = true;

    /// <summary>Checks them all.</summary>
    public void Run()
    {
        var threads = get_num_threads();
        var count = 0;
        try
        {
            // In turn: the number of threads is the process's.
            Cases.Sample(InBothTypes, iter: Iterations, threads: 1);
        }
        finally { set_num_threads(threads); }

        void InBothTypes(TCase one)
        {
            using var generator = new Generator((ulong)++count);
            foreach (var type in new[] { ScalarType.Float32, ScalarType.Float64 })
            {
                using var scope = NewDisposeScope();
                var inputs = Inputs(one, generator).Select(x => x is not null && x.is_floating_point() ? x.detach().to(type) : x);
                Check(one, [.. inputs], type, generator);
            }
        }
    }

    private void Check(TCase one, Tensor?[] inputs, ScalarType type, Generator generator)
    {
        Tensor[] cotangents = [.. NoGrad(() => Reference(one, inputs)).Select(y => randn(y.shape, type, generator: generator))];
        set_num_threads(1);
        var ours = Results(Kernel, inputs, cotangents);
        var theirs = Results(Reference, [.. inputs.Select(Wide)], [.. cotangents.Select(c => Wide(c)!)]);
        var tolerance = type == ScalarType.Float32 ? SingleTolerance : DoubleTolerance;
        ForEach(ours, theirs, "against the reference", (a, b) => !(Distance(a, b) <= tolerance) ? $"off by {Distance(a, b):G3}" : null);
        Same(ours, [.. NoGrad(() => Kernel(one, inputs)).Select(y => (Tensor?)y)], "without gradients");
        Same(ours, Results(Kernel, [.. inputs.Select(Spread)], [.. cotangents.Select(c => Spread(c)!)]), "of strided inputs");
        set_num_threads(2);
        Same(ours, Results(Kernel, inputs, cotangents), "on two threads");

        if (!NonFinite) return;
        for (var i = 0; i < inputs.Length; i++)
            foreach (var value in new[] { double.NaN, double.PositiveInfinity, double.NegativeInfinity })
            {
                if (inputs[i] is not { } x || !x.is_floating_point() || x.numel() == 0) continue;
                var changed = x.clone();
                using var at = randint(x.numel(), [1], generator: generator);
                changed.view(-1)[at.item<long>()] = value;
                Tensor?[] all = [.. inputs[..i], changed, .. inputs[(i + 1)..]];
                ForEach(Results(Kernel, all, cotangents), Results(Reference, all, cotangents), $"with {value} in input {i}", (a, b) =>
                    Differ(a.isnan(), b.isnan()) || Differ(a.isinf(), b.isinf()) ? "not finite elsewhere" : null);
            }

        // Outputs, then gradients by the inputs; null where there is none.
        Tensor?[] Results(Func<TCase, Tensor?[], Tensor[]> function, Tensor?[] given, Tensor[] by)
        {
            Tensor?[] leaves = [.. given.Select(x => x is not null && x.is_floating_point() ? x.detach().requires_grad_() : x)];
            var outputs = function(one, leaves);
            Tensor[] wanted = [.. leaves.Where(x => x is { requires_grad: true }).Select(x => x!)];
            var gradients = wanted.Length == 0 || !outputs.Any(y => y.requires_grad) ? [.. wanted.Select(_ => (Tensor?)null)]
                : autograd.grad([.. outputs.Where(y => y.requires_grad)], [.. wanted], [.. by.Where((_, j) => outputs[j].requires_grad)],
                    allow_unused: true)
                    .Select(g => g.IsInvalid ? null : g);
            BackwardPass.ThrowIfFailed();
            return [.. outputs.Select(y => y.detach()), .. gradients.Zip(wanted, (g, x) => g ?? zeros_like(x))];
        }

        void Same(Tensor?[] a, Tensor?[] b, string what) =>
            ForEach(a, b, what, (x, y) =>
                x.numel() > 0 && !x.allclose(y, 0, 0, equal_nan: true) ? $"off by {Distance(x, y):G3}, not the same to the bit" : null);

        void ForEach(Tensor?[] a, Tensor?[] b, string what, Func<Tensor, Tensor, string?> compare)
        {
            for (var i = 0; i < Math.Min(a.Length, b.Length); i++)
            {
                var name = i < cotangents.Length ? $"output {i}" : $"gradient {i - cotangents.Length}";
                Assert.That(a[i]!.shape, Is.EqualTo(b[i]!.shape), $"{one} {type}: shape of {name} {what}");
                Assert.That(compare(a[i]!, b[i]!), Is.Null, $"{one} {type}: {name} {what}");
            }
        }
    }

    private static Tensor[] NoGrad(Func<Tensor[]> function)
    {
        using var off = no_grad();
        return function();
    }

    private static Tensor? Wide(Tensor? x) => x is not null && x.is_floating_point() ? x.to(ScalarType.Float64) : x;

    // Every other element of memory that holds something else in between.
    private static Tensor? Spread(Tensor? x) => x is null || x.dim() == 0 ? x : stack([x, ones_like(x)], -1).select(-1, 0);

    private static bool Differ(Tensor a, Tensor b) => a.bitwise_xor(b).any().item<bool>();

    private static double Distance(Tensor a, Tensor b)
    {
        if (a.numel() == 0) return 0;
        var (x, y) = (a.to(ScalarType.Float64), b.to(ScalarType.Float64));
        return ((x - y).abs().max() / (1 + y.abs().max())).item<double>();
    }
}

using System.Numerics;
using CsCheck;
using NUnit.Framework;
using TorchSharp;
using TorchZoo.Kernels.Cuda;
using TorchZoo.Models.Sequences;
using static TorchSharp.torch;

namespace TorchZoo.Models.Tests;

/// <summary>ParaGRU's and ParaLSTM's kernels on a GPU against a loop of torch operations in double precision on the CPU, with autograd's
/// gradients. The memory is the driver's own, so that a CPU build of libtorch will do.</summary>
public sealed class CudaParaRnnTests
{
    private static readonly Gen<(int Batch, int Time, int Channels, int Chunk, int Size, bool Initial)> Cases = Gen.Select(
        Gen.Int[1, 3], One(1, 2, 5, 8, 33, 150), Gen.Int[1, 40], One(1, 3, 8, 50, 100_000), Gen.Int[1, 2], Gen.Bool);

    private static Gen<int> One(params int[] of) => Gen.Int[0, of.Length - 1].Select(i => of[i]);

    private static CudaDevice Device
    {
        get
        {
            if (CudaKernels.Problem is { } problem) Assert.Ignore(problem);
            return CudaDevice.Get(0);
        }
    }

    [Test, Category("Cuda"), Category("Property")]
    public void StatesAndGradientsAreTheLoops() => Sample<float>(ScalarType.Float32, 5e-6);

    [Test, Category("Cuda"), Category("Property")]
    public void StatesAndGradientsAreTheLoopsInFloat64() => Sample<double>(ScalarType.Float64, 1e-13);

    [Test, Category("Cuda")]
    public void OnlyTheMarkedSeriesAreWritten([Values(1, 2)] int size)
    {
        using var scope = NewDisposeScope();
        var device = Device;
        var problem = new Problem(2, 40, 5, size, true, 3);
        var plan = CudaRecurrencePlan.StepByStep(2, 40, 5);
        bool[] only = [.. Enumerable.Range(0, 10).Select(i => i % 3 == 1)];
        using var on = new OnGpu<double>(device, problem);
        using CudaBuffer<double> states = new(device, [.. Enumerable.Repeat(7.0, 2 * 40 * 5 * size)]);
        using CudaBuffer<bool> marks = new(device, only);
        CudaParaRnn.Forward(ScalarType.Float64, new(device, 0), plan, size, on.U, on.A, on.C, on.Initial, marks, states);
        var mask = tensor(only).view(2, 1, 1, 5).expand(2, 40, size, 5).reshape(2, 40, size * 5);
        var expected = where(mask, problem.States.detach(), full_like(problem.States, 7));
        Assert.That(tensor(states.ToArray()).view(expected.shape).allclose(expected, 0, 1e-14), Is.True);
    }

    [Test, Category("Cuda")]
    public void NewtonConvergesAndSaysSo([Values(1, 2)] int size, [Values(16, 100_000)] int chunk)
    {
        using var scope = NewDisposeScope();
        var device = Device;
        var stream = new CudaStream(device, 0);
        var problem = new Problem(2, 300, 7, size, true, 4);
        var plan = new CudaRecurrencePlan(2, 300, 7, chunk);
        using var on = new OnGpu<double>(device, problem);
        CudaBuffer<double> states = new(device, problem.States.numel()), next = new(device, problem.States.numel());
        using CudaBuffer<double> worst = new(device, plan.Parts), folded = new(device, plan.FoldedNumbers(size));
        // The first guess: each time a sequence of its own.
        CudaParaRnn.Forward(ScalarType.Float64, stream, CudaRecurrencePlan.StepByStep(2 * 300, 1, 7), size, on.U, on.A, on.C, (nint)0,
            (nint)0, states);
        List<double> residuals = [];
        for (var i = 0; i < 6; i++)
        {
            CudaParaRnn.NewtonStep(ScalarType.Float64, stream, plan, size, on.U, on.A, on.C, on.Initial, states, next, worst, 1, 1, folded);
            residuals.Add(worst.ToArray().Max());
            (states, next) = (next, states);
        }
        var found = tensor(states.ToArray()).view(problem.States.shape);
        states.Dispose();
        next.Dispose();
        Assert.That(residuals[0], Is.GreaterThan(1e-2));
        Assert.That(residuals[^1], Is.LessThan(1e-12));
        Assert.That(found.allclose(problem.States.detach(), 0, 1e-13), Is.True);
    }

    [Test, Category("Cuda")]
    public void AssemblesResidualsAndJacobians([Values(1, 2)] int size)
    {
        using var scope = NewDisposeScope();
        var device = Device;
        const int batch = 2, time = 6, channels = 3;
        var problem = new Problem(batch, time, channels, size, true, 5);
        var guess = 1.8 * rand([batch, time, size * channels], ScalarType.Float64, generator: new Generator(6)) - 0.9;
        using var on = new OnGpu<double>(device, problem);
        using CudaBuffer<double> states = new(device, guess.data<double>().ToArray()), residual = new(device, guess.numel()),
            jacobian = new(device, guess.numel() * size);
        CudaParaRnn.Assemble(ScalarType.Float64, new(device, 0), CudaRecurrencePlan.StepByStep(batch, time, channels), size,
            on.U, on.A, on.C, on.Initial, states, residual, jacobian);

        var before = cat([problem.Initial.detach().unsqueeze(1), guess.narrow(1, 0, time - 1)], 1).requires_grad_();
        var steps = stack(Enumerable.Range(0, time).Select(t => problem.Step(t, before.select(1, t))), 1);
        Assert.That(tensor(residual.ToArray()).view(guess.shape).allclose((steps - guess).detach(), 0, 1e-14), Is.True);
        var found = tensor(jacobian.ToArray()).view(batch, time, size, size, channels);
        var results = steps.view(batch, time, size, channels);
        for (var i = 0; i < size; i++)
        {
            // Channels and times are independent: a row of ones has all of their derivatives.
            var row = autograd.grad([results.select(2, i).sum()], [before], retain_graph: true)[0].clone()
                .view(batch, time, size, channels);
            row.select(1, 0).zero_();
            Assert.That(found.select(2, i).allclose(row, 0, 1e-14), Is.True, $"row {i}");
        }
    }

    [Test, Category("Cuda")]
    public void TensorsOnTheGpu([Values(1, 2)] int size)
    {
        _ = Device;
        if (!cuda.is_available()) Assert.Ignore("libtorch here has no CUDA");
        using var scope = NewDisposeScope();
        var problem = new Problem(2, 300, 5, size, true, 7);
        Tensor? peepholes = size == 2 ? problem.C.detach().cuda() : null;
        Tensor u = problem.U.detach().cuda(), a = problem.A.detach().cuda(), initial = problem.Initial.detach().cuda();
        Tensor states = zeros([2, 300, size * 5], ScalarType.Float64, CUDA), next = zeros_like(states), residual = zeros_like(states);
        CudaParaRnn.Forward(u, a, peepholes, initial, states);
        Assert.That(states.cpu().allclose(problem.States.detach(), 0, 1e-13), Is.True);
        Tensor byU = zeros_like(u), byInitial = zeros_like(initial), byWeights = zeros([size == 1 ? 3 : 5, 5], ScalarType.Float64, CUDA);
        CudaParaRnn.Backward(u, a, peepholes, initial, states, problem.Gradient.cuda(), problem.Last.cuda(), byU, byWeights, byInitial);
        Assert.That(byU.cpu().allclose(problem.ByU, 0, 1e-12), Is.True);
        CudaParaRnn.Assemble(u, a, peepholes, initial, states, residual, zeros([2, 300, size * size * 5], ScalarType.Float64, CUDA));
        Assert.That(residual.abs().max().ToDouble(), Is.LessThan(1e-14));
        CudaParaRnn.FirstGuess(u, a, peepholes, states);
        var plan = CudaRecurrencePlan.For(CudaDevice.Of(u), 2, 300, 5);
        CudaParaRnn.NewtonStep(u, a, peepholes, initial, states, next, zeros([2, plan.Chunks, 5], ScalarType.Float64, CUDA), 1, 1, plan);
        Assert.That(() => CudaParaRnn.Forward(u, a, peepholes, initial, residual.narrow(1, 0, 299)), Throws.ArgumentException);
    }

    [Test]
    public void TensorsOnACpuAreRefused()
    {
        using var scope = NewDisposeScope();
        Tensor u = zeros(1, 2, 3, 4), a = zeros(3, 4), states = zeros(1, 2, 4);
        Assert.That(CudaParaRnn.HasKernel(u), Is.False);
        Assert.That(() => CudaParaRnn.Forward(u, a, null, null, states), Throws.ArgumentException.With.Message.Contain("cpu"));
        Assert.That(() => CudaParaRnn.Forward(u.squeeze(0), a, null, null, states), Throws.ArgumentException);
    }

    private static void Sample<T>(ScalarType type, double tolerance) where T : unmanaged, INumber<T>
    {
        var device = Device;
        var stream = new CudaStream(device, 0);
        Cases.Sample((batch, time, channels, chunk, size, hasInitial) =>
        {
            using var scope = NewDisposeScope();
            var problem = new Problem(batch, time, channels, size, hasInitial, (ulong)(time * 1000 + channels));
            var plan = new CudaRecurrencePlan(batch, time, channels, chunk);
            var rows = size == 1 ? 3 : 5;
            using var on = new OnGpu<T>(device, problem);
            using CudaBuffer<T> states = new(device, problem.States.numel()), byU = new(device, problem.U.numel()),
                byWeights = new(device, rows * channels), byInitial = new(device, problem.Initial.numel());
            using CudaBuffer<T> folded = new(device, plan.FoldedNumbers(size)), sums = new(device, CudaParaRnn.SumNumbers(plan, size));
            var initial = hasInitial ? on.Initial : (nint)0;
            CudaParaRnn.Forward(type, stream, plan, size, on.U, on.A, on.C, initial, (nint)0, states);
            CudaParaRnn.Backward(type, stream, plan, size, on.U, on.A, on.C, initial, states, on.Gradient, on.Last, byU, byWeights,
                byInitial, folded, sums);
            Compare(states, problem.States, "states");
            Compare(byU, problem.ByU, "by u");
            Compare(byWeights, problem.ByWeights, "by the weights");
            Compare(byInitial, problem.ByInitial, "by the initial state");

            // Sums in a fixed order.
            var first = byWeights.ToArray();
            CudaParaRnn.Backward(type, stream, plan, size, on.U, on.A, on.C, initial, states, on.Gradient, on.Last, byU, byWeights, (nint)0,
                folded, sums);
            Assert.That(byWeights.ToArray(), Is.EqualTo(first));

            void Compare(CudaBuffer<T> ours, Tensor expected, string what)
            {
                var error = (tensor(ours.ToArray().Select(double.CreateChecked).ToArray()).view(expected.shape) - expected).abs().max()
                    / (1 + expected.abs().max());
                Assert.That(error.ToDouble(), Is.LessThan(tolerance), what);
            }
        }, iter: 40, threads: 1);
    }

    /// <summary>A cell's inputs at random, and what comes out of a loop over time, with autograd's gradients.</summary>
    private sealed class Problem
    {
        private readonly int _size, _channels;

        public Problem(int batch, int time, int channels, int size, bool hasInitial, ulong seed)
        {
            (_size, _channels) = (size, channels);
            using var generator = new Generator(seed);
            // All numbers are floats', so that both precisions have the same inputs.
            Tensor Uniform(double bound, params long[] shape) =>
                (bound * (2 * rand(shape, ScalarType.Float32, generator: generator) - 1)).to(ScalarType.Float64);
            U = Uniform(2, batch, time, 3, channels).requires_grad_();
            A = Uniform(0.9, 3, channels).requires_grad_();
            C = Uniform(0.9, 2, channels).requires_grad_();
            Initial = (Uniform(0.9, batch, size * channels) * (hasInitial ? 1 : 0)).requires_grad_();
            Gradient = Uniform(1, batch, time, channels);
            Last = Uniform(1, batch, size * channels);

            List<Tensor> states = [];
            var state = Initial;
            for (var t = 0; t < time; t++) states.Add(state = Step(t, state));
            States = stack(states, 1);
            var loss = (States.narrow(2, (size - 1) * channels, channels) * Gradient).sum() + (state * Last).sum();
            Tensor[] inputs = size == 1 ? [U, Initial, A] : [U, Initial, A, C];
            var by = autograd.grad([loss], inputs);
            (ByU, ByInitial, ByWeights) = (by[0], by[1], cat([.. by.Skip(2)], 0));
            States = States.detach();
        }

        public Tensor U { get; }

        public Tensor A { get; }

        public Tensor C { get; }

        public Tensor Initial { get; }

        public Tensor Gradient { get; }

        public Tensor Last { get; }

        public Tensor States { get; }

        public Tensor ByU { get; }

        public Tensor ByInitial { get; }

        public Tensor ByWeights { get; }

        public Tensor Step(int t, Tensor state)
        {
            Tensor x(int row) => U.select(1, t).select(1, row);
            if (_size == 1)
            {
                var z = (A[0] * state + x(0)).sigmoid();
                var r = (A[1] * state + x(1)).sigmoid();
                return (1 - z) * state + z * (A[2] * state * r + x(2)).tanh();
            }
            Tensor c = state.narrow(1, 0, _channels), h = state.narrow(1, _channels, _channels);
            var f = (A[0] * h + C[0] * c + x(0)).sigmoid();
            var next = f * c + (1 - f) * (A[2] * h + x(2)).tanh();
            var o = (A[1] * h + C[1] * next + x(1)).sigmoid();
            return cat([next, o * next.tanh()], 1);
        }
    }

    /// <summary>A problem's inputs on the GPU.</summary>
    private sealed class OnGpu<T> : IDisposable where T : unmanaged, INumber<T>
    {
        private readonly List<CudaBuffer<T>> _buffers = [];
        private readonly CudaDevice _device;

        public OnGpu(CudaDevice device, Problem problem)
        {
            _device = device;
            U = Upload(problem.U);
            A = Upload(problem.A);
            C = Upload(problem.C);
            Initial = Upload(problem.Initial);
            Gradient = Upload(problem.Gradient);
            Last = Upload(problem.Last);
        }

        public CudaArgument U { get; }

        public CudaArgument A { get; }

        public CudaArgument C { get; }

        public CudaArgument Initial { get; }

        public CudaArgument Gradient { get; }

        public CudaArgument Last { get; }

        public void Dispose() => _buffers.ForEach(b => b.Dispose());

        private CudaArgument Upload(Tensor x)
        {
            _buffers.Add(new(_device, [.. x.detach().data<double>().ToArray().Select(T.CreateChecked)]));
            return _buffers[^1];
        }
    }
}

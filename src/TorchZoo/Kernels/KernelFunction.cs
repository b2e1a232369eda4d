using TorchZoo.Training;
using static TorchSharp.torch;

namespace TorchZoo.Kernels;

/// <summary>
/// A function with a hand-written gradient. A kernel says how outputs come from inputs, how gradients come back, and perhaps what the same
/// is in torch operations; all else that libtorch's graph asks for is done here.
/// </summary>
/// <remarks>
/// <para>An instance holds the configuration and no state of a call, so one may serve many calls, on several threads.</para>
/// <para><see cref="Forward"/> and <see cref="Backward"/> run without recording, in dispose scopes of their own: what they return stays,
/// all else that they make goes. If no input wants a gradient, or gradients are off, no graph is made and nothing saved. Outputs that the
/// loss doesn't depend on have no gradient: null, and not a tensor full of zeros.</para>
/// <para>An exception in the backward pass can't come out of <c>backward()</c>: the gradients are NaN then, and
/// <see cref="BackwardPass.ThrowIfFailed"/>, which a <see cref="Trainer"/> calls after each step, throws it.</para>
/// <para>Gradients of gradients (<c>create_graph</c>) are libtorch's of <see cref="Eager"/>.</para>
/// <para>Automatic casting doesn't look into a kernel: it gets its inputs as they are. One that has no 16-bit form is called by
/// <see cref="ApplyInFullPrecision"/>.</para>
/// </remarks>
/// <example>y = x², with null for a bias that isn't there:<code>
/// internal sealed class Square : KernelFunction
/// {
///     protected override Tensor[] Forward(KernelCall call) => [SquareKernel.Run(call[0])];
///     protected override Tensor?[] Backward(KernelCall call, Tensor?[] byOutputs) => [SquareKernel.Slope(call[0], byOutputs[0]!)];
///     protected override Tensor[] Eager(KernelCall call) => [call[0].square()];
/// }
/// </code></example>
public abstract class KernelFunction
{
    /// <summary>Whether the backward pass is given the inputs. A kernel that does with what it saves itself spares their memory, and has no
    /// gradients of gradients unless it overrides <see cref="RecordedBackward"/>.</summary>
    protected virtual bool SavesInputs => true;

    /// <summary>Whether there is a kernel for such inputs (device, type). If not, <see cref="Eager"/> is what is computed.</summary>
    protected virtual bool HasKernel(KernelCall call) => true;

    /// <summary>Outputs of the inputs. What the gradient needs besides the inputs is saved in the call.</summary>
    protected abstract Tensor[] Forward(KernelCall call);

    /// <summary>Gradients by the inputs, in their order; null for those that aren't needed.</summary>
    /// <param name="call">What the forward pass had and saved.</param>
    /// <param name="byOutputs">The loss's gradient by each output; null if it doesn't depend on that. One at least isn't.</param>
    protected abstract Tensor?[] Backward(KernelCall call, Tensor?[] byOutputs);

    /// <summary>The reference: the same outputs in torch operations, differentiable any number of times.</summary>
    protected virtual Tensor[] Eager(KernelCall call) =>
        throw new NotSupportedException($"{GetType().Name} has no form in torch operations, which these inputs, or gradients of its "
            + "gradients, ask for");

    /// <summary><see cref="Backward"/> in torch operations that are recorded, for gradients of gradients; that of <see cref="Eager"/>
    /// unless overridden.</summary>
    protected virtual Tensor?[] RecordedBackward(KernelCall call, Tensor?[] byOutputs)
    {
        if (!SavesInputs)
            throw new NotSupportedException($"gradients of {GetType().Name}'s gradients are not to be had: it doesn't keep its inputs");
        // One input may depend on another. Views don't, so each gets its own share alone. (TorchSharp's alias() is the same tensor.)
        var inputs = call.Inputs.Select(x => x?.view_as(x)).ToArray();
        var outputs = Eager(new KernelCall(call, inputs, call.AllSaved));
        var used = outputs.Zip(byOutputs).Where(o => o.First.requires_grad && o.Second is not null).ToList();
        var wanted = Enumerable.Range(0, inputs.Length).Where(call.Needs).ToList();
        var gradients = new Tensor?[inputs.Length];
        if (used.Count == 0) return gradients;
        var found = autograd.grad([.. used.Select(o => o.First)], [.. wanted.Select(i => inputs[i]!)], [.. used.Select(o => o.Second!)],
            retain_graph: true, create_graph: true, allow_unused: true);
        foreach (var (i, gradient) in wanted.Zip(found)) gradients[i] = gradient.IsInvalid ? null : gradient;
        return gradients;
    }

    /// <summary>The function's outputs.</summary>
    /// <param name="inputs">Tensors of any device, type and shape that the kernel takes; null where it allows that.</param>
    public Tensor[] Apply(params Tensor?[] inputs)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        foreach (var input in inputs) ObjectDisposedException.ThrowIf(input is { IsInvalid: true }, typeof(Tensor));
        using var scope = NewDisposeScope();
        var call = new KernelCall(inputs, is_grad_enabled() && inputs.Any(x => x is { requires_grad: true }));
        return [.. Outputs().Select(y => y.MoveToOuterDisposeScope())];

        IEnumerable<Tensor> Outputs()
        {
            if (!HasKernel(call)) return Own(Eager(call), inputs);
            if (call.IsRecorded) return Bridge.apply([this, call, .. inputs]);
            using var off = no_grad();
            return Own(Forward(call), inputs);
        }
    }

    /// <summary>As <see cref="Apply"/>, for kernels without a 16-bit form: with automatic casting off, and 16-bit inputs as float32.
    /// Outputs are float32 then.</summary>
    /// <inheritdoc cref="Apply"/>
    public Tensor[] ApplyInFullPrecision(params Tensor?[] inputs)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        if (inputs.FirstOrDefault(x => x is not null) is not { } first) return Apply(inputs);
        using var scope = NewDisposeScope();
        using var full = Autocast.Disable(first.device);
        return [.. Apply([.. inputs.Select(x => x is null ? null : Autocast.ToFullPrecision(x))]).Select(y => y.MoveToOuterDisposeScope())];
    }

    // Who returns what he was given would otherwise give the caller's tensor away.
    private static Tensor[] Own(Tensor[] outputs, Tensor?[] given) =>
        [.. outputs.Select(y => given.Any(x => ReferenceEquals(x, y)) ? y.alias() : y)];

    /// <summary>A gradient's shape, type and device, which libtorch would end the process for.</summary>
    private sealed record Form(long[] Shape, ScalarType Type, Device Device)
    {
        public static Form Of(Tensor x) => new(x.shape, x.dtype, x.device);

        public Tensor Check(Tensor gradient, int input) => gradient.dtype == Type
            && gradient.device_type == Device.type && gradient.device_index == Device.index && gradient.shape.AsSpan().SequenceEqual(Shape)
            ? gradient
            : throw new InvalidOperationException($"the gradient by input {input} should be {this}, but is {Of(gradient)}");

        public override string ToString() => $"{Type} ({string.Join(", ", Shape)}) on {Device}";
    }

    private sealed class Bridge : autograd.MultiTensorFunction<Bridge>
    {
        private const string Call = nameof(Call), Forms = nameof(Forms);

        public override string Name => nameof(KernelFunction);

        public override List<Tensor> forward(autograd.AutogradContext ctx, params object[] vars)
        {
            var (function, call) = ((KernelFunction)vars[0], (KernelCall)vars[1]);
            // Else TorchSharp makes zeros for gradients that don't come.
            ctx.set_materialize_grads(false);
            var outputs = Own(function.Forward(call), call.Inputs);
            ctx.save_for_backward([.. (function.SavesInputs ? call.Inputs : []).Concat(call.AllSaved).Select(x => x!)]);
            // Without tensors: the graph alone decides how long they live.
            ctx.save_data(Call, new KernelCall(call, [], []));
            ctx.save_data(Forms, (function, call.Inputs.Select((x, i) => call.Needs(i) ? Form.Of(x!) : null).ToArray()));
            return [.. outputs];
        }

        public override List<Tensor> backward(autograd.AutogradContext ctx, List<Tensor> byOutputs)
        {
            var call = (KernelCall)ctx.get_data(Call);
            var (function, forms) = ((KernelFunction, Form?[]))ctx.get_data(Forms);
            Tensor?[] gradients;
            try { gradients = Gradients(function, call, forms, ctx, byOutputs); }
            catch (Exception e)
            {
                BackwardPass.Fail(e);
                gradients = [.. forms.Select(f => f is null ? null : full(f.Shape, double.NaN, f.Type, f.Device).DetachFromDisposeScope())];
            }
            // They are as large as the outputs, and nobody else's any more.
            byOutputs.ForEach(g => g.Dispose());
            BackwardPass.HandOver(gradients);
            return [null!, null!, .. gradients.Select(g => g!)];
        }

        private static Tensor?[] Gradients(KernelFunction function, KernelCall call, Form?[] forms, autograd.AutogradContext ctx,
            List<Tensor> given)
        {
            using var scope = NewDisposeScope();
            var saved = ctx.get_saved_variables();
            var inputs = function.SavesInputs ? forms.Length : 0;
            call = new KernelCall(call, inputs > 0 ? [.. saved.Take(inputs)] : new Tensor?[forms.Length], saved[inputs..]);
            Tensor?[] byOutputs = [.. given.Select(g => g.IsInvalid ? null : g)];
            var gradients = is_grad_enabled() ? function.RecordedBackward(call, byOutputs) : function.Backward(call, byOutputs);
            if (gradients.Length != forms.Length)
                throw new InvalidOperationException(
                    $"{function.GetType().Name} has {forms.Length} inputs and returned {gradients.Length} gradients");
            var result = new Tensor?[forms.Length];
            for (var i = 0; i < result.Length; i++)
                if (forms[i] is { } form && gradients[i] is { } gradient)
                    // Another object: the same tensor may be the gradient by two inputs, or one of those given.
                    result[i] = form.Check(gradient, i).alias();
            return [.. result.Select(g => g?.DetachFromDisposeScope())];
        }
    }
}

using TorchSharp.Modules;
using TorchZoo.Kernels;
using static TorchSharp.torch;

namespace TorchZoo.Distributed;

/// <summary>
/// Says during a backward pass whose gradients are done. TorchSharp has no hooks on tensors, so each module's input goes through an
/// identity
/// function: when its backward pass runs, the module's own has. Modules whose input wants no gradient, such as the first, are not heard of.
/// </summary>
internal sealed class GradientObserver : IDisposable
{
    private readonly List<Action> _removers = [];
    private readonly List<Module> _modules = [];
    private readonly Action<IReadOnlyList<Parameter>> _done;

    /// <summary>Looks at modules and all that they are made of.</summary>
    /// <param name="roots">The modules.</param>
    /// <param name="done">Is called with the parameters of a module, from inside the backward pass.</param>
    public GradientObserver(IEnumerable<nn.Module> roots, Action<IReadOnlyList<Parameter>> done)
    {
        _done = done;
        var all = roots.SelectMany(m => m.modules().Append(m)).Distinct().ToList();
        // A parameter of several modules is done with the last of them, and nobody knows which that is.
        var owners = all.SelectMany(m => m.parameters(false)).CountBy(p => p.Handle).ToDictionary();
        foreach (var module in all)
        {
            Parameter[] own = [.. module.parameters(false).Where(p => owners[p.Handle] == 1)];
            if (own.Length == 0) continue;
            var observed = new Module(this, own);
            switch (module)
            {
                case nn.Module<Tensor, Tensor> one:
                    _removers.Add(one.register_forward_pre_hook((_, x) => observed.Enter(x)).remove);
                    break;
                case nn.Module<Tensor, Tensor, Tensor> two:
                    _removers.Add(two.register_forward_pre_hook((_, x, y) => (observed.Enter(x), y)).remove);
                    break;
                default: continue;
            }
            _modules.Add(observed);
        }
    }

    /// <summary>Whether forward passes are observed; off, they cost nothing.</summary>
    public bool IsOn { get; private set; }

    /// <summary>Observes from now on, as if nothing had been seen.</summary>
    public void Start()
    {
        foreach (var module in _modules) module.Reset();
        IsOn = true;
    }

    /// <summary>Stops observing.</summary>
    public void Stop() => IsOn = false;

    /// <inheritdoc/>
    public void Dispose()
    {
        Stop();
        foreach (var remove in _removers) remove();
        _removers.Clear();
    }

    /// <summary>A module that may be called several times in a forward pass.</summary>
    private sealed class Module(GradientObserver observer, Parameter[] parameters)
    {
        private int _open;
        private bool _isHidden;

        public void Reset() => (_open, _isHidden) = (0, false);

        public Tensor Enter(Tensor x)
        {
            if (!observer.IsOn || !is_grad_enabled()) return x;
            if (!x.requires_grad) _isHidden = true;
            if (_isHidden) return x;
            _open++;
            return Passage.apply([this, x])[0];
        }

        public void Leave()
        {
            _open--;
            if (observer.IsOn && _open == 0 && !_isHidden) observer._done(parameters);
        }
    }

    private sealed class Passage : autograd.MultiTensorFunction<Passage>
    {
        public override string Name => nameof(GradientObserver);

        public override List<Tensor> forward(autograd.AutogradContext ctx, params object[] vars)
        {
            ctx.set_materialize_grads(false);
            ctx.save_data(nameof(Module), vars[0]);
            return [((Tensor)vars[1]).alias()];
        }

        public override List<Tensor> backward(autograd.AutogradContext ctx, List<Tensor> byOutputs)
        {
            Tensor? gradient = byOutputs[0].IsInvalid ? null : byOutputs[0].alias().DetachFromDisposeScope();
            byOutputs[0].Dispose();
            try { ((Module)ctx.get_data(nameof(Module))).Leave(); }
            catch (Exception e) { BackwardPass.Fail(e); }
            BackwardPass.HandOver([gradient]);
            return [null!, gradient!];
        }
    }
}

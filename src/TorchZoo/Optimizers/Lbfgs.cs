using TorchSharp.Modules;
using TorchZoo.Checkpoints;
using static TorchSharp.torch;

namespace TorchZoo.Optimizers;

/// <summary>
/// The quasi-Newton method of limited memory (Liu and Nocedal 1989) with a line search for the strong Wolfe conditions: for smooth losses over
/// all data at once, where it needs far fewer steps than first-order methods. One <see cref="step"/> makes up to <c>maxIter</c> iterations.
/// </summary>
/// <remarks>It does what torch.optim.LBFGS does with the same options, line search included (Nocedal and Wright, algorithms 3.5 and 3.6, with
/// cubic interpolation), and its state has that one's layout. Steps that lead to NaN or infinity are shortened. When parameters are replaced or
/// the loss becomes another one, make a new optimizer: what was remembered is wrong then.</remarks>
public sealed class Lbfgs : OptimizerHelper
{
    // Nocedal and Wright's constants of the conditions, and the evaluations that a search may take.
    private const double Decrease = 1e-4, Curvature = 0.9;
    private const int MostOfSearch = 25;

    private readonly List<Parameter> _parameters = [];
    private readonly List<(Tensor Gradient, Tensor Step, double Rho)> _history = [];
    private readonly int _maxIter, _maxEval, _historySize;
    private readonly double _toleranceGrad, _toleranceChange;
    private readonly bool _searches;
    private Tensor? _direction, _previousGradient;
    private double _t, _previousLoss, _diagonal = 1;
    private long _iterations, _evaluations;

    /// <summary>Makes the optimizer.</summary>
    /// <param name="parameters">What it trains: real, of one type, on one device.</param>
    /// <param name="lr">Length of a step, and with a line search the first one that is tried; &gt; 0.</param>
    /// <param name="maxIter">Iterations of a <see cref="step"/>, ≥ 1.</param>
    /// <param name="maxEval">Evaluations of the loss in a step, after which it ends; null: 1.25 times <paramref name="maxIter"/>.</param>
    /// <param name="toleranceGrad">A step ends when no gradient is larger.</param>
    /// <param name="toleranceChange">A step ends when neither loss nor any parameter changes by more.</param>
    /// <param name="historySize">How many iterations are remembered, ≥ 1.</param>
    /// <param name="strongWolfe">Whether to search along the line; without, every step has length <paramref name="lr"/>.</param>
    /// <exception cref="ArgumentException">No parameters, complex ones, of more than one type or device, or a number out of its range.</exception>
    public Lbfgs(IEnumerable<Parameter> parameters, double lr = 1, int maxIter = 20, int? maxEval = null, double toleranceGrad = 1e-7,
        double toleranceChange = 1e-9, int historySize = 10, bool strongWolfe = true)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        if (!(lr > 0 && double.IsFinite(lr))) throw new ArgumentOutOfRangeException(nameof(lr), lr, "must be > 0");
        ArgumentOutOfRangeException.ThrowIfLessThan(maxIter, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(historySize, 1);
        if (maxEval is < 1) throw new ArgumentOutOfRangeException(nameof(maxEval), maxEval, "must be ≥ 1");
        if (!(toleranceGrad >= 0)) throw new ArgumentOutOfRangeException(nameof(toleranceGrad), toleranceGrad, "must be ≥ 0");
        if (!(toleranceChange >= 0)) throw new ArgumentOutOfRangeException(nameof(toleranceChange), toleranceChange, "must be ≥ 0");
        (_maxIter, _maxEval, _historySize, _searches) = (maxIter, maxEval ?? maxIter * 5 / 4, historySize, strongWolfe);
        (_toleranceGrad, _toleranceChange) = (toleranceGrad, toleranceChange);
        (_defaults, _parameter_groups) = (new OptimizerOptions { LearningRate = lr, InitialLearningRate = lr }, []);
        add_param_group(new ParamGroup { Parameters = [.. parameters] });
    }

    /// <summary>Iterations made in all steps.</summary>
    public long Iterations => _iterations;

    /// <summary>Evaluations of the loss in all steps.</summary>
    public long Evaluations => _evaluations;

    private double Rate => _parameter_groups[0].Options.LearningRate!.Value;

    /// <summary>Takes the one group of parameters that the constructor gives.</summary>
    /// <exception cref="ArgumentException">There is one already, or the parameters aren't as the constructor wants them.</exception>
    public override void add_param_group(ParamGroup param_group)
    {
        ArgumentNullException.ThrowIfNull(param_group);
        if (_parameters.Count > 0) throw new ArgumentException("this optimizer has one group of parameters", nameof(param_group));
        var parameters = param_group.Parameters?.ToList() ?? [];
        if (parameters.Count == 0) throw new ArgumentException("an optimizer needs at least one parameter", nameof(param_group));
        if (parameters.DistinctBy(p => p.Handle).Count() != parameters.Count)
            throw new ArgumentException("a parameter appears twice", nameof(param_group));
        foreach (var p in parameters)
            if (p.is_complex() || p.dtype != parameters[0].dtype || p.device_type != parameters[0].device_type || p.device_index != parameters[0].device_index)
                throw new ArgumentException("expected real parameters of one type on one device", nameof(param_group));
        param_group.Options ??= new OptimizerOptions();
        param_group.Options.LearningRate ??= _defaults.LearningRate;
        param_group.Options.InitialLearningRate = param_group.Options.LearningRate!.Value;
        _parameters.AddRange(parameters);
        _parameter_groups.Add(param_group);
    }

    /// <inheritdoc/>
    public override IEnumerable<Parameter> parameters() => _parameters;

    /// <summary>Drops all gradients.</summary>
    public override void zero_grad()
    {
        foreach (var p in _parameters)
        {
            using var gradient = p.grad;
            if (gradient is not null) p.grad = null;
        }
    }

    /// <summary>Makes up to <c>maxIter</c> iterations.</summary>
    /// <param name="closure">Drops the gradients, computes the loss and its gradients, and returns the loss: the same function of the
    /// parameters each time.</param>
    /// <returns>The loss before.</returns>
    /// <exception cref="ArgumentNullException">There is no closure.</exception>
    public override Tensor step(Func<Tensor>? closure = null)
    {
        ArgumentNullException.ThrowIfNull(closure);
        using var off = no_grad();
        using var scope = NewDisposeScope();
        var (loss, gradient) = Evaluate(closure);
        var first = tensor(loss, _parameters[0].dtype, _parameters[0].device);
        var evaluations = 1;
        for (var n = 1; n <= _maxIter && double.IsFinite(loss) && Largest(gradient) > _toleranceGrad; n++)
        {
            using var iteration = NewDisposeScope();
            _iterations++;
            Remember(gradient);
            var d = _direction = Replace(_direction, Direction(gradient));
            _previousGradient = Replace(_previousGradient, gradient.clone());
            _previousLoss = loss;
            // Before there is a scale, no parameter moves by more than about 1.
            _t = _iterations == 1 ? Math.Min(1, 1 / gradient.abs().sum().to(ScalarType.Float64).item<double>()) * Rate : Rate;
            var slope = Dot(gradient, d);
            if (slope > -_toleranceChange) break;

            Tensor[] start = [.. _parameters.Select(p => p.detach().clone())];
            Point At(double t)
            {
                Move(start, t, d);
                var (f, g) = Evaluate(closure);
                evaluations++;
                return new(t, double.IsNaN(f) ? double.PositiveInfinity : f, g, Dot(g, d));
            }
            if (_searches)
            {
                var found = Search(At, new(0, loss, gradient, slope), _t, Largest(d));
                (_t, loss, gradient) = (found.T, found.Loss, found.Gradient);
                Move(start, _t, d);
            }
            else if (n < _maxIter) (_, loss, gradient, _) = At(_t);
            else Move(start, _t, d);
            gradient = gradient.alias().MoveToOuterDisposeScope();
            if (evaluations >= _maxEval || Largest(d) * _t <= _toleranceChange || Math.Abs(loss - _previousLoss) < _toleranceChange) break;
        }
        return first.MoveToOuterDisposeScope();
    }

    internal PyDict SaveState()
    {
        var states = new PyDict();
        if (_iterations > 0)
        {
            states[0L] = new PyDict
            {
                ["func_evals"] = _evaluations,
                ["n_iter"] = _iterations,
                ["d"] = _direction,
                ["t"] = _t,
                ["old_dirs"] = _history.Select(h => (object?)h.Gradient).ToList(),
                ["old_stps"] = _history.Select(h => (object?)h.Step).ToList(),
                ["ro"] = _history.Select(h => (object?)tensor(h.Rho, _parameters[0].dtype)).ToList(),
                ["H_diag"] = tensor(_diagonal, _parameters[0].dtype),
                ["prev_flat_grad"] = _previousGradient,
                ["prev_loss"] = _previousLoss,
            };
        }
        var options = _parameter_groups[0].Options;
        var group = new PyDict
        {
            ["lr"] = Rate,
            ["max_iter"] = (long)_maxIter,
            ["max_eval"] = (long)_maxEval,
            ["tolerance_grad"] = _toleranceGrad,
            ["tolerance_change"] = _toleranceChange,
            ["history_size"] = (long)_historySize,
            ["line_search_fn"] = _searches ? "strong_wolfe" : null,
            ["initial_lr"] = options.InitialLearningRate,
            ["params"] = Enumerable.Range(0, _parameters.Count).Select(i => (object?)(long)i).ToList(),
        };
        return new PyDict { ["state"] = states, ["param_groups"] = new List<object?> { group } };
    }

    internal void LoadState(PyDict saved, string path)
    {
        using var off = no_grad();
        using var scope = NewDisposeScope();
        try
        {
            if (saved.Get<List<object?>>("param_groups").Count != 1 || saved.Get<List<object?>>("param_groups", 0, "params").Count != _parameters.Count)
                throw new InvalidDataException("the saved optimizer has other parameter groups");
            var group = saved.Get<PyDict>("param_groups", 0);
            var rate = group.Get<double>("lr");
            var initial = group.TryGet<double>("initial_lr", out var was) ? was : rate;
            if (!saved.Get<PyDict>("state").TryGet<PyDict>([0L], out var state))
            {
                Forget();
                (_iterations, _evaluations) = (0, 0);
            }
            else
            {
                List<object?> gradients = state.Get<List<object?>>("old_dirs"), steps = state.Get<List<object?>>("old_stps");
                Tensor direction = Fitting(state.Get<Tensor>("d")), previous = Fitting(state.Get<Tensor>("prev_flat_grad"));
                if (gradients.Count != steps.Count) throw new InvalidDataException("the histories of steps and gradients differ in length");
                var history = gradients.Zip(steps).Select(p => (Fitting(p.First as Tensor), Fitting(p.Second as Tensor))).ToList();
                var (iterations, evaluations, t, loss) = (state.Get<long>("n_iter"), state.Get<long>("func_evals"), state.Get<double>("t"),
                    state.Get<double>("prev_loss"));
                var diagonal = state.TryGet<Tensor>("H_diag", out var h) ? h.to(ScalarType.Float64).item<double>() : state.Get<double>("H_diag");
                Forget();
                (_iterations, _evaluations, _t, _previousLoss, _diagonal) = (iterations, evaluations, t, loss, diagonal);
                (_direction, _previousGradient) = (direction.DetachFromDisposeScope(), previous.DetachFromDisposeScope());
                foreach (var (y, s) in history) _history.Add((y.DetachFromDisposeScope(), s.DetachFromDisposeScope(), 1 / Dot(y, s)));
            }
            (_parameter_groups[0].Options.LearningRate, _parameter_groups[0].Options.InitialLearningRate) = (rate, initial);
        }
        catch (InvalidDataException e)
        {
            throw new InvalidDataException($"{path}: {e.Message}", e);
        }

        Tensor Fitting(Tensor? vector) => vector is not null && vector.dim() == 1 && vector.shape[0] == _parameters.Sum(p => p.numel())
            ? vector.to(_parameters[0].dtype).to(_parameters[0].device).clone()
            : throw new InvalidDataException("a vector of the saved optimizer doesn't have the parameters' length");
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing) Forget();
        base.Dispose(disposing);
    }

    private void Forget()
    {
        _direction?.Dispose();
        _previousGradient?.Dispose();
        (_direction, _previousGradient, _diagonal) = (null, null, 1);
        foreach (var (y, s, _) in _history)
        {
            y.Dispose();
            s.Dispose();
        }
        _history.Clear();
    }

    private static Tensor Replace(Tensor? old, Tensor value)
    {
        old?.Dispose();
        return value.DetachFromDisposeScope();
    }

    private static double Dot(Tensor a, Tensor b) => a.dot(b).to(ScalarType.Float64).item<double>();

    private static double Largest(Tensor x) => x.abs().max().to(ScalarType.Float64).item<double>();

    private (double Loss, Tensor Gradient) Evaluate(Func<Tensor> closure)
    {
        using var scope = NewDisposeScope();
        _evaluations++;
        double loss;
        using (enable_grad()) loss = closure().detach().to(ScalarType.Float64).item<double>();
        var gradient = cat([.. _parameters.Select(p => p.grad is { } g ? g.reshape(-1) : zeros_like(p).reshape(-1))]);
        return (loss, gradient.MoveToOuterDisposeScope());
    }

    private void Move(Tensor[] start, double t, Tensor direction)
    {
        using var scope = NewDisposeScope();
        var offset = 0L;
        foreach (var (p, from) in _parameters.Zip(start))
        {
            p.copy_(from + direction.narrow(0, offset, p.numel()).view(p.shape) * t);
            offset += p.numel();
        }
    }

    // The last step and what it did to the gradient, if the loss is convex along it.
    private void Remember(Tensor gradient)
    {
        if (_previousGradient is null || _direction is null) return;
        using var scope = NewDisposeScope();
        Tensor y = gradient - _previousGradient, s = _direction * _t;
        var curvature = Dot(y, s);
        if (!(curvature > 1e-10)) return;
        if (_history.Count == _historySize)
        {
            _history[0].Gradient.Dispose();
            _history[0].Step.Dispose();
            _history.RemoveAt(0);
        }
        _diagonal = curvature / Dot(y, y);
        _history.Add((y.DetachFromDisposeScope(), s.DetachFromDisposeScope(), 1 / curvature));
    }

    // −H g by the two loops over the history.
    private Tensor Direction(Tensor gradient)
    {
        using var scope = NewDisposeScope();
        var q = gradient.neg();
        var weights = new double[_history.Count];
        for (var i = _history.Count - 1; i >= 0; i--)
        {
            var (y, s, rho) = _history[i];
            weights[i] = Dot(s, q) * rho;
            q = q - y * weights[i];
        }
        q = q * _diagonal;
        for (var i = 0; i < _history.Count; i++)
        {
            var (y, s, rho) = _history[i];
            q = q + s * (weights[i] - Dot(y, q) * rho);
        }
        return q.MoveToOuterDisposeScope();
    }

    /// <summary>A step that lowers the loss enough and whose slope is flat enough: first outward until it is bracketed, then inward.</summary>
    private Point Search(Func<double, Point> at, Point origin, double t, double largest)
    {
        Point previous = origin, point = at(t);
        var count = 0;
        Point low, high;
        while (true)
        {
            if (count == MostOfSearch)
            {
                (low, high) = (origin, point);
                break;
            }
            if (IsTooHigh(point) || count > 1 && point.Loss >= previous.Loss || point.Slope >= 0 && !IsFlat(point))
            {
                (low, high) = (previous, point);
                break;
            }
            if (IsFlat(point)) return point;
            t = Minimum(previous, point, point.T + 0.01 * (point.T - previous.T), point.T * 10);
            (previous, point) = (point, at(t));
            count++;
        }

        if (low.Loss > high.Loss) (low, high) = (high, low);
        var stalled = false;
        while (count < MostOfSearch && Math.Abs(high.T - low.T) * largest >= _toleranceChange)
        {
            double least = Math.Min(low.T, high.T), most = Math.Max(low.T, high.T), margin = 0.1 * (most - least);
            // In the order in which they were found, as the interpolation's rounding goes.
            t = Minimum(low, high, least, most);
            // Twice too near to an end: a tenth into the bracket.
            if (Math.Min(most - t, t - least) < margin)
            {
                if (stalled || t >= most || t <= least)
                {
                    t = Math.Abs(t - most) < Math.Abs(t - least) ? most - margin : least + margin;
                    stalled = false;
                }
                else stalled = true;
            }
            else stalled = false;
            point = at(t);
            count++;
            if (IsTooHigh(point) || point.Loss >= low.Loss)
            {
                high = point;
                if (low.Loss > high.Loss) (low, high) = (high, low);
                continue;
            }
            if (IsFlat(point)) return point;
            if (point.Slope * (high.T - low.T) >= 0) high = low;
            low = point;
        }
        return low;

        bool IsTooHigh(Point p) => !double.IsFinite(p.Loss) || p.Loss > origin.Loss + Decrease * p.T * origin.Slope;

        bool IsFlat(Point p) => Math.Abs(p.Slope) <= -Curvature * origin.Slope;
    }

    // Of the cubic through two points with their slopes, within bounds (Nocedal and Wright, equation 3.59).
    private static double Minimum(Point a, Point b, double low, double high)
    {
        var (left, right) = a.T <= b.T ? (a, b) : (b, a);
        var d1 = left.Slope + right.Slope - 3 * (left.Loss - right.Loss) / (left.T - right.T);
        var square = d1 * d1 - left.Slope * right.Slope;
        var d2 = Math.Sqrt(square);
        var t = right.T - (right.T - left.T) * ((right.Slope + d2 - d1) / (right.Slope - left.Slope + 2 * d2));
        return square >= 0 && double.IsFinite(t) ? Math.Clamp(t, low, high) : (low + high) / 2;
    }

    private readonly record struct Point(double T, double Loss, Tensor Gradient, double Slope);
}

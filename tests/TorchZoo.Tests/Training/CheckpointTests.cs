using NUnit.Framework;
using TorchSharp;
using TorchSharp.Modules;
using TorchZoo.Checkpoints;
using TorchZoo.Optimizers;
using TorchZoo.Testing;
using TorchZoo.Training;
using static TorchSharp.torch;

namespace TorchZoo.Tests.Training;

/// <summary>What a training leaves on the disk, and what it takes from PyTorch's.</summary>
public class CheckpointTests
{
    private DisposeScope _scope = null!;
    private TemporaryFolder _folder = null!;

    [SetUp]
    public void Open() => (_scope, _folder) = (NewDisposeScope(), new TemporaryFolder());

    [TearDown]
    public void Close()
    {
        _scope.Dispose();
        _folder.Dispose();
    }

    [TestCase(0, new long[0])]
    [TestCase(3, new long[] { 8, 10, 12 })]
    [TestCase(100, new long[] { 2, 4, 6, 8, 10, 12 })]
    public void TheLastCheckpointsStay(int keep, long[] steps)
    {
        Fit(keep, epochs: 3);
        Assert.That(_folder.Files.Where(f => f.EndsWith(".pt", StringComparison.Ordinal)),
            Is.EquivalentTo(steps.Select(s => $"step-{s}.pt").Concat(["best.pt", "last.pt"])));
        if (keep > 0) Assert.That(File.ReadAllBytes(_folder["step-12.pt"]), Is.EqualTo(File.ReadAllBytes(_folder["last.pt"])));
    }

    [Test]
    public void ShortEpochsNeedNotHaveACheckpointEach()
    {
        Fit(keep: 100, epochs: 5, every: 0, everyEpochs: 2);
        Assert.That(_folder.Files.Where(f => f.StartsWith("step-", StringComparison.Ordinal)), Is.EquivalentTo(["step-8.pt", "step-16.pt", "step-20.pt"]));
    }

    [Test]
    public void CheckpointsOfAnEarlierLongerRunDoNotPushOutTheNewOnes()
    {
        Fit(keep: 2, epochs: 5);
        File.WriteAllText(_folder["step-by-step.pt"], "not ours");
        Fit(keep: 2, epochs: 2);
        Assert.That(_folder.Files.Where(f => f.StartsWith("step-", StringComparison.Ordinal)),
            Is.EquivalentTo(["step-6.pt", "step-8.pt", "step-by-step.pt"]));
    }

    [Test]
    public void ARunDeletesWhatKilledOnesLeft()
    {
        foreach (var name in new[] { "last.pt", "step-3.pt", "metrics.jsonl" })
            File.WriteAllText(_folder[$".{name}.{Guid.NewGuid():N}.tmp"], "half");
        File.WriteAllText(_folder[".mine.tmp"], "");
        Fit(keep: 0, epochs: 1);
        Assert.That(_folder.Files.Where(f => f.EndsWith(".tmp", StringComparison.Ordinal)), Is.EqualTo([".mine.tmp"]));
    }

    private static IEnumerable<TestCaseData> AdamFiles() =>
        new[] { "checkpoint.*.pt", "legacy.*.pt" }.SelectMany(p => Goldens.Files("pt-files", p))
            .Select(f => new TestCaseData(f).SetArgDisplayNames(Goldens.Label(f)));

    [TestCaseSource(nameof(AdamFiles)), Category("Golden")]
    public void AnAdamOfPyTorchGoesOn(string path)
    {
        var file = (PyDict)PyTorchFile.Load(path)!;
        var saved = file.Get<PyDict>("optimizer");
        // Buffers are no parameters.
        var weights = file.Get<PyDict>("model").ToTensors()
            .Where(w => !w.Key.Contains("running_") && !w.Key.Contains("num_batches")).ToList();
        var parameters = weights.Select(w => new Parameter(w.Value.clone())).ToList();
        using var adam = new FusedAdam(parameters, lr: 123, beta1: 0.1);
        OptimizerStateDict.Load(adam, saved);

        foreach (var parameter in parameters) parameter.grad = full_like(parameter, 0.25);
        adam.step();
        var group = saved.Get<PyDict>("param_groups", 0);
        double lr = group.Get<double>("lr"), decay = group.Get<double>("weight_decay"), eps = group.Get<double>("eps");
        double beta1 = group.Get<double>("betas", 0), beta2 = group.Get<double>("betas", 1);
        for (var i = 0; i < parameters.Count; i++)
        {
            var state = saved.Get<PyDict>("state", (long)i);
            var step = state.Get<Tensor>("step").item<float>() + 1;
            var before = weights[i].Value.to(float64);
            var gradient = 0.25 + decay * before;
            var m = beta1 * state.Get<Tensor>("exp_avg").to(float64) + (1 - beta1) * gradient;
            var v = beta2 * state.Get<Tensor>("exp_avg_sq").to(float64) + (1 - beta2) * gradient.square();
            var expected = before - lr * (m / (1 - Math.Pow(beta1, step))) / ((v / (1 - Math.Pow(beta2, step))).sqrt() + eps);
            Assert.That((parameters[i].to(float64) - expected).abs().max().item<double>(), Is.LessThan(1e-7), weights[i].Key);
        }

        // And back: the same layout, which PyTorch reads.
        PyTorchFile.Save(_folder["back.pt"], OptimizerStateDict.Save(adam));
        var back = (PyDict)PyTorchFile.Load(_folder["back.pt"])!;
        Assert.That(back.Get<PyDict>("state").Keys, Is.EqualTo(saved.Get<PyDict>("state").Keys));
        foreach (var key in group.Keys.Cast<string>()
            .Where(k => k is not ("foreach" or "fused" or "capturable" or "differentiable" or "decoupled_weight_decay")))
            Assert.That(back.Get<PyDict>("param_groups", 0)[key], Is.EqualTo(group[key]), key);
    }

    [Test]
    public void AStateThatDoesNotFitChangesNothing()
    {
        var parameter = new Parameter(ones(2));
        using var adam = new FusedAdam([parameter], lr: 0.5);
        parameter.grad = ones(2);
        adam.step();
        PyDict Saved(Action<PyDict> change)
        {
            var state = (PyDict)PyTorchFile.Load(Written(adam))!;
            change(state);
            return state;
        }
        Assert.Multiple(() =>
        {
            Refused(Saved(s => s.Get<PyDict>("state", 0L)["exp_avg"] = ones(3)), "shape (3)");
            Refused(Saved(s => s.Get<PyDict>("state", 0L)["step"] = ones(3)), "no scalar");
            Refused(Saved(s => s.Get<PyDict>("param_groups", 0)["betas"] = "text"), "betas");
            Refused(Saved(s => s.Get<PyDict>("param_groups", 0)["params"] = new List<object?> { 0L, 1L }), "other parameter groups");
            Refused(Saved(s => s["param_groups"] = new List<object?> { 1L }), "param_groups");
            Refused(new PyDict(), "param_groups");
            // A whole number is a float in Python too.
            var whole = Saved(s => s.Get<PyDict>("param_groups", 0)["betas"] = new PyTuple(0L, 0.5));
            Assert.That(() => OptimizerStateDict.Load(adam, whole), Throws.Nothing);
        });

        void Refused(PyDict state, string reason)
        {
            var before = File.ReadAllBytes(Written(adam));
            Assert.That(() => OptimizerStateDict.Load(adam, state), Throws.TypeOf<InvalidDataException>().With.Message.Contains(reason));
            Assert.That(File.ReadAllBytes(Written(adam)), Is.EqualTo(before));
        }

        string Written(FusedAdam optimizer)
        {
            PyTorchFile.Save(_folder["adam.pt"], OptimizerStateDict.Save(optimizer));
            return _folder["adam.pt"];
        }
    }

    private void Fit(int keep, int epochs, int every = 2, int everyEpochs = 1)
    {
        var options = new TrainerOptions
        {
            Epochs = epochs,
            BatchSize = 16,
            CheckpointEvery = every,
            CheckpointEveryEpochs = everyEpochs,
            Directory = _folder.Path,
            KeepLast = keep,
        };
        new Trainer(Regression.Net(), options) { Step = Steps.Supervised(Regression.MeanSquare) }.Fit(Regression.Data());
    }
}

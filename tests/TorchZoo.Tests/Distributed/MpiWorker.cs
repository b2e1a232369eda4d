using System.Globalization;
using TorchZoo.Distributed;

namespace TorchZoo.Tests.Distributed;

/// <summary>What the processes of the tests' MPI jobs do: the first argument says what.</summary>
internal static class MpiWorker
{
    /// <summary>The program's first argument.</summary>
    public const string Command = "mpi-worker";

    /// <summary>What each rank says at the end.</summary>
    public const string Fine = "all is well";

    /// <summary>What a rank says when it gives up.</summary>
    public const string Enough = "one has had enough";

    public static int Run(ReadOnlySpan<string> args)
    {
        TorchRuntime.EnsureLoaded();
        var group = ProcessGroup.World;
        foreach (var work in args[0].Split('+'))
            if (Do(work, args, group) is > 0 and var code) return code;
        Console.WriteLine($"rank {group.Rank} of {group.Size}: {Fine}");
        return 0;
    }

    private static int Do(string work, ReadOnlySpan<string> args, ProcessGroup group)
    {
        switch (work)
        {
            case "operations": CollectiveChecks.Run(group); break;
            case "overlap": OverlapChecks.Run(group); break;
            case "train":
                foreach (var task in args[2].Split(',')) SharedTraining.Run(task).Save(args[1], task, group);
                break;
            case "long": LongTraining.Run(args[1], int.Parse(args[2], CultureInfo.InvariantCulture)).Save(args[1], "long", group); break;
            case "fail": LongTraining.Run(args[1], 0, failAt: 5); break;
            case "throw": Throw(group); break;
            case "null": SurviveNullReference(); break;
            case "exit":
                if (group.Rank > 0) Console.WriteLine(Enough);
                return group.Rank;
            default: throw new ArgumentException($"no such work: {args[0]}", nameof(args));
        }
        return 0;
    }

    // One rank fails outside of any training, while the others wait for it.
    private static void Throw(ProcessGroup group)
    {
        if (group.Rank == 1) throw new InvalidOperationException(Enough);
        group.Barrier();
    }

    // MPI libraries catch the signal by which .NET finds null references.
    private static void SurviveNullReference()
    {
        string? nothing = null;
        try { _ = nothing!.Length; }
        catch (NullReferenceException) { return; }
        throw new InvalidOperationException("nothing has a length");
    }
}
